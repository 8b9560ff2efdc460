# shellcheck shell=bash
# tsoci debug: a create that dockerd has called waits at its failure for a debugger, in the directory that the daemon's
# environment names. (Since Docker 24 an annotation does it, too: org.tsoci.debug.)

a_create_that_fails_waits_for_a_debugger() {
  "$runtime" debug --help >/dev/null 2>&1 || skip 'this runtime has no debugger'
  export TSOCI_DEBUG=$work/waiting
  _with -- _debugged
}

_debugged() {
  local status=0 socket
  docker run --name debugged busybox no-such-command >"$work/debugged" 2>&1 &
  eventually compgen -G "$TSOCI_DEBUG/*"
  socket=$(echo "$TSOCI_DEBUG"/*)
  printf '%s\n' where 'run ls bin/busybox' quit >"$work/commands"
  env --unset TSOCI_DEBUG "$runtime" debug --attach "$socket" --command "$work/commands" >"$work/shown" 2>&1
  wait $! || status=$?
  matches 'property  process.args\[0\]' "$(<"$work/shown")"
  matches bin/busybox "$(<"$work/shown")"
  equal 127 "$status"
  matches no-such-command "$(<"$work/debugged")"
  remove debugged
}
