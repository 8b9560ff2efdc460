# shellcheck shell=bash
# The last checks of every suite: nothing of it may be left. $leaks matches the cgroups of its containers.

nothing_is_left_behind() {
  "$engines/leaks.sh" compare "$work/before" "^(mount|link|process) |$leaks"
}

# A name that begins with "~" is none of a container: a runtime may keep what it computed for the next one.
the_runtime_keeps_no_state_of_deleted_containers() {
  local directory
  for directory in "/run/$(basename "$runtime")" /run/containerd/runc/*; do
    [[ ! -d $directory ]] || prints '' find "$directory" -mindepth 1 -maxdepth 1 -not -name '~*'
  done
}
