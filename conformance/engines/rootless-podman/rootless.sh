# shellcheck shell=bash
# A user's containers: the same commands as root's, with the user's own ids and nothing of the host's rights.

_uid() { id -u "$user"; }

run_shows_output_and_exit_code() {
  local output status=0
  output=$(podman run --rm busybox sh -c 'echo out; exit 7') || status=$?
  equal out "$output"
  equal 7 "$status"
}

root_inside_is_the_user_outside() {
  matches "^ *0 +$(_uid) +1" "$(podman run --rm busybox cat /proc/self/uid_map)"
  start mapped
  local pid
  pid=$(podman inspect --format '{{.State.Pid}}' mapped)
  prints "$(_uid)" stat --format %u "/proc/$pid"
  remove mapped
}

a_user_of_the_image_is_a_subordinate_id() {
  start app --user app
  local pid first
  pid=$(podman inspect --format '{{.State.Pid}}' app)
  first=$(awk -F: -v user="$user" '$1 == user { print $2; exit }' /etc/subuid)
  prints "$((first + 999))" stat --format %u "/proc/$pid"
  remove app
}

without_cgroups() {
  [[ $runtime_name != runc ]] || skip 'runc always makes a cgroup'
  prints ran podman run --rm --cgroups=disabled busybox echo ran
}

exec_enters_the_container() {
  start entered --hostname inside
  prints inside podman exec entered hostname
  prints 'uid=1000(app) gid=1000(app)' podman exec --user app entered sh -c 'id | cut -d " " -f 1,2'
  exits 5 podman exec entered sh -c 'exit 5'
  remove entered
}

logs_keep_what_was_written() {
  podman run --name logged busybox sh -c 'echo one; echo two >&2'
  prints $'one\ntwo' _all_logs logged
  remove logged
}
_all_logs() { podman logs "$1" 2>&1; }

stop_ends_with_sigterm_and_rm_removes() {
  podman run --detach --name stopped busybox sh -c 'trap "exit 6" TERM; while :; do sleep 0.1; done'
  podman stop --time 8 stopped
  prints 6 podman inspect --format '{{.State.ExitCode}}' stopped
  podman rm stopped
  exits 1 podman container exists stopped
}

a_volume_of_the_user_is_written_as_the_user() {
  mkdir -p "$work/home/volume"
  chown "$user:$user" "$work/home/volume"
  podman run --rm --volume "$work/home/volume:/volume" busybox touch /volume/file
  prints "$(_uid)" stat --format %u "$work/home/volume/file"
}

a_terminal() {
  matches '^/dev/pts/0' "$(on_terminal podman run --rm --interactive --tty busybox tty)"
}

the_default_profile_filters_and_capabilities_are_few() {
  prints 2 podman run --rm busybox sh -c "awk '/^Seccomp:/ { print \$2 }' /proc/self/status"
  exits 1 podman run --rm busybox mount -t tmpfs tmpfs /tmp
}
