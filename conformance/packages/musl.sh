# shellcheck shell=bash
# The tarball for musl in a system that has no other libc: the life of a container, by the helpers of debian.sh.

it_runs_where_musl_is_the_only_libc() {
  tar --extract --file "$foreign/tsoci-$version-linux-x64-musl.tar.gz" --directory "$chroot/usr/local" --strip-components 1
  matches "^tsoci version $version" "$(_tsoci --version)"
  prints '' find "$chroot" -xdev -name 'libc.so.6'
}

what_it_lacks_it_names() {
  mv "$chroot/usr/lib/libstdc++.so.6" "$chroot/aside"
  matches 'libstdc\+\+\.so\.6' "$(_tsoci --version 2>&1 || true)"
  mv "$chroot/aside" "$chroot/usr/lib/libstdc++.so.6"
  # Nothing else here needs libseccomp.
  _bundle filtered
  jq '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW"}' "$work/config.json" >"$chroot/bundle/config.json"
  matches 'libseccomp' "$(_tsoci run --bundle /bundle filtered 2>&1 || true)"
}

a_container_lives_from_create_to_delete() {
  _create whole
  equal created "$(_status whole)"
  _tsoci start whole
  equal running "$(_status whole)"
  prints inside _tsoci exec whole /bin/busybox echo inside
  _tsoci pause whole
  equal paused "$(_status whole)"
  _tsoci resume whole
  matches '^\[[0-9]+\]$' "$(_tsoci ps --format json whole | tr -d ' \n')"
  _gone whole
  equal '[]' "$(_tsoci list --format json)"
}

the_status_of_run_is_that_of_the_process() {
  _bundle once
  jq '.process.args = ["/bin/busybox", "sh", "-c", "exit 7"]' "$work/config.json" >"$chroot/bundle/config.json"
  exits 7 _tsoci run --bundle /bundle once
}

its_server_serves_it_and_ends_when_nobody_needs_it() {
  _in setsid tsoci serve --idle 5 >/dev/null 2>&1 </dev/null &
  eventually test -S "$chroot/run/tsoci-serve/socket"
  _create served
  _tsoci start served
  _gone served
  matches '"served":[1-9]' "$(_tsoci serve --status --format json | tr -d ' \n')"
  eventually refuses test -S "$chroot/run/tsoci-serve/socket"
}
