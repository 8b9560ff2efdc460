# shellcheck shell=bash
# buildah run, and the RUN steps of a build.

# _with COMMAND...: COMMAND with $container, a new working container.
_with() {
  local container status=0
  container=$(buildah from busybox)
  "$@" || status=$?
  buildah rm "$container" >/dev/null
  return "$status"
}

_run() { buildah run "${options[@]}" "$container" -- "$@"; }

output_input_and_exit_code() {
  local options=()
  exits 3 _with _run sh -c 'cat; echo err >&2; exit 3' >"$work/out" 2>"$work/err" < <(echo through)
  prints through cat "$work/out"
  matches err "$(<"$work/err")"
}

a_missing_command_is_an_error_that_names_it() {
  local options=()
  refuses _with _run no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
}

a_terminal() {
  local options=(--terminal)
  matches $'/dev/pts/[0-9]+\n31 97$' "$(_with _run_on_terminal sh -c "$report_terminal")"
}

_run_on_terminal() { on_terminal buildah run "${options[@]}" "$container" -- "$@"; }

environment_user_and_directory() {
  local options=(--env 'A=b c' --user app --workingdir /etc)
  prints 'b c 1000 /etc' _with _run sh -c 'echo $A $(id -u) $PWD'
}

a_volume_and_a_tmpfs() {
  mkdir "$work/bound"
  local options=(--volume "$work/bound:/data:ro" --mount 'type=tmpfs,target=/scratch')
  _with _run sh -c 'touch /scratch/new && ! touch /data/new'
}

capabilities() {
  local options=(--cap-drop all)
  prints 0000000000000000 _with _run awk '/^CapEff/ { print $2 }' /proc/self/status
}

a_build_keeps_what_its_steps_made() {
  cat >"$work/Containerfile" <<'EOF'
FROM localhost/busybox
RUN echo built >/made
USER app
WORKDIR /tmp
RUN id -u >user
RUN --mount=type=tmpfs,target=/scratch touch /scratch/file
EOF
  buildah build --quiet --file "$work/Containerfile" --tag made "$work/bin"
  local options=()
  container=$(buildah from made)
  prints $'built\n1000' _run cat /made /tmp/user
  buildah rm "$container"
}

a_step_that_fails_ends_the_build_with_its_exit_code() {
  printf '%s\n' 'FROM localhost/busybox' 'RUN exit 9' >"$work/Failing"
  exits 9 buildah build --file "$work/Failing" "$work/bin"
}

the_network_made_between_create_and_start() {
  [[ -x /usr/lib/cni/bridge || -x /opt/cni/bin/bridge ]] || skip 'no CNI plugins are installed'
  export NETWORK=private
  local options=()
  matches 'inet 10\.[0-9.]+' "$(_with _run ip -4 address show eth0)"
  ip link delete cni-podman0
}
