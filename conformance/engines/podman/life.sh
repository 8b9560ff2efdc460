# shellcheck shell=bash
# podman's life cycle of a container, as the runtime's create, start, state, kill, delete, exec, pause (runtime.md).

_status() { podman inspect --format '{{.State.Status}}' "$1"; }

created_started_stopped_removed() {
  podman create --name life busybox sh -c 'trap "exit 6" TERM; while :; do sleep 0.1; done'
  prints created _status life
  podman init life
  prints initialized _status life
  podman start life
  prints running _status life
  matches 'life;Up ' "$(podman ps --format '{{.Names}};{{.Status}}')"
  podman stop --time 8 life
  prints exited _status life
  prints 6 podman inspect --format '{{.State.ExitCode}}' life
  podman rm life
  exits 1 podman container exists life
}

init_does_not_start_the_process() {
  podman create --name waiting busybox sh -c 'echo ran'
  podman init waiting
  sleep 0.3
  prints '' podman logs waiting
  podman start --attach waiting
  prints ran podman logs waiting
  remove waiting
}

an_initialized_container_can_be_removed() {
  podman create --name waiting busybox true
  podman init waiting
  podman rm --force waiting
}

start_attached_hands_back_output_and_exit_code() {
  podman create --name attached busybox sh -c 'echo out; exit 7'
  exits 7 podman start --attach attached >"$work/out"
  prints out cat "$work/out"
  remove attached
}

a_container_starts_again() {
  podman create --name again busybox sh -c 'echo turn'
  podman start --attach again
  podman start --attach again
  prints $'turn\nturn' podman logs again
  remove again
}

restart_gives_a_new_process() {
  start restarted
  local before
  before=$(podman inspect --format '{{.State.Pid}}' restarted)
  podman restart --time 0 restarted
  prints running _status restarted
  refuses equal "$before" "$(podman inspect --format '{{.State.Pid}}' restarted)"
  remove restarted
}

a_running_container_is_removed_by_force_only() {
  start running
  refuses podman rm running
  podman rm --force --time 0 running
}

stop_kills_what_ignores_sigterm() {
  podman run --detach --name deaf busybox sh -c 'trap "" TERM; while :; do sleep 0.1; done'
  podman stop --time 1 deaf
  prints 137 podman inspect --format '{{.State.ExitCode}}' deaf
  remove deaf
}

stop_sends_the_signal_the_container_asks_for() {
  podman run --detach --name asks --stop-signal USR1 busybox \
    sh -c 'trap "exit 11" USR1; echo ready; while :; do sleep 0.1; done'
  eventually _logged asks ready
  podman stop --time 8 asks
  prints 11 podman wait asks
  remove asks
}

_logged() { podman logs "$1" | grep -q "$2"; }

kill_sends_any_signal_by_name_and_number() {
  podman run --detach --name signalled busybox \
    sh -c 'trap "echo usr1" USR1; trap "echo usr2" USR2; echo ready; while :; do sleep 0.1; done'
  eventually _logged signalled ready
  podman kill --signal SIGUSR1 signalled
  eventually _logged signalled usr1
  podman kill --signal 12 signalled
  eventually _logged signalled usr2
  podman kill signalled
  prints 137 podman wait signalled
  refuses podman kill signalled
  remove signalled
}

wait_gives_the_exit_code() {
  podman run --detach --name waited busybox sh -c 'sleep 1; exit 8'
  prints 8 podman wait waited
  remove waited
}

a_detached_container_removes_itself() {
  podman run --detach --rm --name gone busybox true
  eventually refuses podman container exists gone
}

attach_shows_what_comes_and_takes_input() {
  podman run --detach --interactive --name attached busybox sh -c 'read line; echo "got $line"'
  prints 'got words' podman attach attached < <(echo words)
  remove attached
}

logs_follow_to_the_end() {
  podman run --detach --name logged busybox sh -c 'for i in 1 2 3; do echo $i; sleep 0.2; done'
  prints $'1\n2\n3' podman logs --follow logged
  remove logged
}

the_init_dies_and_the_rest_with_it() {
  podman run --detach --name family busybox sh -c 'sleep 1001 & sleep 1002 & sleep 0.5'
  podman wait family
  refuses pgrep -f 'sleep 100[12]'
  remove family
}

pause_freezes_and_unpause_goes_on() {
  has_controller freezer || skip 'no cgroup freezer'
  podman run --detach --name frozen busybox sh -c 'while :; do echo tick; sleep 0.05; done'
  eventually _logged frozen tick
  podman pause frozen
  prints paused _status frozen
  local before
  before=$(podman logs frozen | wc -l)
  sleep 0.5
  prints "$before" sh -c 'podman logs frozen | wc -l'
  refuses podman exec frozen true
  podman unpause frozen
  prints running _status frozen
  eventually _more_lines_than "$before" frozen
  remove frozen
}

_more_lines_than() { (($(podman logs "$2" | wc -l) > $1)); }

top_lists_the_processes() {
  podman run --detach --name listed busybox sh -c 'sleep 1003 & wait'
  matches 'sleep 1003' "$(podman top listed args)"
  remove listed
}

stats_know_memory_and_processes() {
  has_controller memory && has_controller pids || skip 'no memory and pids controllers in the cgroups the runtime can use'
  start measured
  matches '^[0-9.]+[kM]?B / .*;1$' "$(podman stats --no-stream --format '{{.MemUsage}};{{.PIDs}}' measured)"
  remove measured
}

update_changes_a_limit() {
  has_controller memory || skip 'no memory controller in the cgroups the runtime can use'
  start updated --memory 64m
  podman update --memory 48m updated
  matches $((48 << 20)) "$(_limit updated memory memory.limit_in_bytes memory.max)"
  remove updated
}

# _limit CONTAINER CONTROLLER V1-FILE V2-FILE
_limit() {
  local path
  path=$(podman inspect --format '{{.State.CgroupPath}}' "$1")
  cat "/sys/fs/cgroup/$2/$path/$3" 2>/dev/null || cat "/sys/fs/cgroup/$path/$4"
}

memory_and_pids_limits_are_set() {
  has_controller memory && has_controller pids || skip 'no memory and pids controllers in the cgroups the runtime can use'
  start limited --memory 64m --pids-limit 50
  prints $((64 << 20)) _limit limited memory memory.limit_in_bytes memory.max
  prints 50 _limit limited pids pids.max pids.max
  remove limited
}

a_container_over_its_memory_limit_is_killed() {
  has_controller memory || skip 'no memory controller in the cgroups the runtime can use'
  exits 137 podman run --name hungry --memory 16m --memory-swap 16m busybox \
    sh -c 'head -c 150m /dev/zero | tail -c 150m >/dev/null'
  remove hungry
}
