# shellcheck shell=bash
# dockerd with other options, and what becomes of containers when it is killed.

# _with OPTION... -- COMMAND: runs COMMAND with a daemon of its own.
_with() {
  local options=()
  while [[ $1 != -- ]]; do options+=("$1"); shift; done
  daemon other "${options[@]}"
  import_busybox
  "${@:2}"
  end_daemon
}

user_namespace_of_the_daemon() {
  echo daemon:200000:65536 >"$work/subid"
  mount --bind "$work/subid" /etc/subuid
  mount --bind "$work/subid" /etc/subgid
  _with --userns-remap daemon -- _in_user_namespace
  umount /etc/subuid /etc/subgid
}

_in_user_namespace() {
  prints '0 200000 65536' docker run --rm busybox sh -c 'echo $(cat /proc/self/uid_map)'
  docker run --detach --name mapped --volume data:/data --tmpfs /scratch busybox \
    sh -c 'touch /data/file /scratch/file; sleep 1000'
  prints 200000 stat -c %u "/proc/$(field mapped .State.Pid)"
  prints 0 docker exec mapped stat -c %u /etc/passwd
  prints 1000 docker exec --user app mapped id -u
  matches $'/dev/pts/0\n31 97$' "$(on_terminal docker run --rm -it busybox sh -c "$report_terminal")"
  remove mapped
  prints "$(readlink /proc/self/ns/user)" docker run --rm --userns host busybox readlink /proc/self/ns/user
}

containers_outlive_a_killed_daemon() {
  _with --live-restore -- _killed_daemon
}

_killed_daemon() {
  start lasting
  docker run --detach --name counting busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.1; done'
  docker run --detach --name ending busybox sh -c 'until test -e /tmp/end; do sleep 0.1; done; exit 21'
  local pid
  pid=$(field lasting .State.Pid)
  eventually grep -q sh "/proc/$(field ending .State.Pid)/comm"
  touch "/proc/$(field ending .State.Pid)/root/tmp/end"
  end_daemon KILL
  kill -0 "$pid"
  daemon other --live-restore
  prints "running $pid" field lasting '.State.Status}} {{.State.Pid'
  docker exec lasting true
  prints $'1\n2\n3' sh -c 'docker logs counting | head -n 3'
  eventually prints 'exited 21' field ending '.State.Status}} {{.State.ExitCode'
  docker stop --time 1 lasting counting
  docker start lasting
  remove lasting counting ending
}
