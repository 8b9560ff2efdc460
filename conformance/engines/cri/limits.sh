# shellcheck shell=bash
# Limits of containers by CRI, which want controllers of cgroup v2.

# _cgroup FILE: of $container's cgroup
_cgroup() { cat "/sys/fs/cgroup/$suite_id/pods/$container/$1"; }

update_changes_a_limit_or_names_the_controller() {
  pod updated
  start updated updated . sleep 1000
  if has_controller memory; then
    crictl update --memory $((48 << 20)) --cpu-quota 25000 --cpu-period 100000 "$container"
    prints $((48 << 20)) _cgroup memory.max
    prints '25000 100000' _cgroup cpu.max
  else
    refuses crictl update --memory $((48 << 20)) "$container" 2>"$work/err"
    matches memory "$(<"$work/err")"
  fi
  remove "$pod"
}
