# shellcheck shell=bash
# tsoci debug: a create that podman calls waits at its failure for a debugger.

a_create_that_fails_waits_for_a_debugger() {
  "$runtime" debug --help >/dev/null 2>&1 || skip 'this runtime has no debugger'
  local status=0 id
  podman run --name debugged --annotation org.tsoci.debug=30 busybox no-such-command >"$work/debugged" 2>&1 &
  eventually test -d '/run/tsoci/~debug'
  id=$(ls '/run/tsoci/~debug')
  printf '%s\n' where 'run ls bin/busybox' quit >"$work/commands"
  "$runtime" debug --attach "$id" --command "$work/commands" >"$work/shown" 2>&1
  wait $! || status=$?
  matches 'property  process.args\[0\]' "$(<"$work/shown")"
  matches bin/busybox "$(<"$work/shown")"
  equal 127 "$status"
  matches no-such-command "$(<"$work/debugged")"
  refuses test -e "/run/tsoci/$id"
  remove debugged
}

it_goes_on_once_what_it_lacked_is_there() {
  "$runtime" debug --help >/dev/null 2>&1 || skip 'this runtime has no debugger'
  local id
  podman run --name mended --annotation org.tsoci.debug=30 busybox later mended >"$work/debugged" 2>&1 &
  eventually test -d '/run/tsoci/~debug'
  id=$(ls '/run/tsoci/~debug')
  printf '%s\n' where 'run printf "#!/bin/sh\necho mended\n" >bin/later' 'run chmod 755 bin/later' retry >"$work/commands"
  "$runtime" debug --attach "$id" --command "$work/commands" >"$work/shown" 2>&1
  wait $!
  equal mended "$(<"$work/debugged")"
  remove mended
}

nobody_comes_and_the_error_is_the_one_it_was() {
  "$runtime" debug --help >/dev/null 2>&1 || skip 'this runtime has no debugger'
  exits 127 podman run --rm --annotation org.tsoci.debug=1 busybox no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
}
