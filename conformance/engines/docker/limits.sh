# shellcheck shell=bash
# docker's limits and statistics, which want controllers of cgroup v2.

# _cgroup FILE CONTAINER: a file of the container's cgroup.
_cgroup() { cat "/sys/fs/cgroup/$suite_id/$(field "$2" .Id)/$1"; }

memory_cpu_and_pids_limits_are_set() {
  _wants memory cpu cpuset pids
  start limited --memory 64m --memory-swap 64m --cpus 0.5 --cpuset-cpus 0 --pids-limit 50
  prints $((64 << 20)) _cgroup memory.max limited
  prints '50000 100000' _cgroup cpu.max limited
  prints 0 _cgroup cpuset.cpus limited
  prints 50 _cgroup pids.max limited
  remove limited
}

update_changes_a_limit() {
  _wants memory cpu
  start updated --memory 64m --memory-swap 64m
  docker update --memory 48m --memory-swap 48m --cpus 0.25 updated
  prints $((48 << 20)) _cgroup memory.max updated
  prints '25000 100000' _cgroup cpu.max updated
  remove updated
}

a_container_over_its_memory_limit_is_killed() {
  _wants memory
  exits 137 docker run --name hungry --memory 16m --memory-swap 16m busybox \
    sh -c 'head -c 150m /dev/zero | tail -c 150m >/dev/null'
  prints true field hungry .State.OOMKilled
  remove hungry
}

a_pids_limit_stops_a_fork_bomb() {
  _wants pids
  matches "can't fork" "$(docker run --rm --pids-limit 8 busybox sh -c \
    'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 5 & done' 2>&1 || true)"
}

stats_know_memory_and_processes() {
  _wants memory pids
  start measured --memory 64m
  matches '^[0-9.]+[KM]iB / 64MiB;1$' "$(docker stats --no-stream --format '{{.MemUsage}};{{.PIDs}}' measured)"
  remove measured
}

# dockerd asks the host's cgroups what it may limit, and these must be those that the runtime uses.
_wants() {
  [[ -f /sys/fs/cgroup/cgroup.controllers ]] || skip 'the limits of dockerd are of cgroup v1 here'
  local controller
  for controller; do has_controller "$controller" || skip "no $controller controller in cgroup v2"; done
}
