# shellcheck shell=bash
# podman run: privileges (config.md#linux-process, config-linux.md#seccomp, #sysctl).

# _of_status FIELD: that line of /proc/self/status in a container started with the arguments that follow.
_of_status() { podman run --rm "${@:2}" busybox awk -v field="$1:" '$1 == field { print $2 }' /proc/self/status; }

all_capabilities_can_be_dropped() {
  prints '0000000000000000' podman run --rm --cap-drop all busybox sh -c "awk '/^Cap/ { print \$2 }' /proc/self/status | uniq"
}

one_capability_can_be_kept() {
  prints '0000000000000000 0000000000000001 0000000000000001 0000000000000001 0000000000000000' \
    podman run --rm --cap-drop all --cap-add chown busybox sh -c "echo \$(awk '/^Cap/ { print \$2 }' /proc/self/status)"
}

a_capability_can_be_added() {
  podman run --rm --cap-add sys_admin busybox mount -t tmpfs tmpfs /tmp
  refuses podman run --rm busybox mount -t tmpfs tmpfs /tmp
}

a_user_other_than_root_has_no_capabilities() {
  prints 0000000000000000 _of_status CapEff --user app
  exits 1 podman run --rm --user app busybox chown 0 /home/app
}

no_new_privileges() {
  prints 1 _of_status NoNewPrivs --security-opt no-new-privileges
  prints 0 _of_status NoNewPrivs
}

seccomp_filters_unless_unconfined() {
  prints 2 _of_status Seccomp
  prints 0 _of_status Seccomp --security-opt seccomp=unconfined
}

a_seccomp_profile_of_ones_own() {
  echo '{ "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28 }] }' >"$work/profile.json"
  matches 'No space left' "$(podman run --rm --security-opt "seccomp=$work/profile.json" busybox \
    sh -c 'mkdir /tmp/new 2>&1 || true')"
}

privileged_sees_devices_and_may_mount() {
  podman run --rm --privileged busybox sh -c 'mount -t tmpfs tmpfs /tmp && test -c /dev/kmsg'
  prints 0 _of_status Seccomp --privileged
  prints "$(awk '/^CapEff/ { print $2 }' /proc/self/status)" _of_status CapEff --privileged
}

privileged_may_write_sysctls_of_its_namespaces() {
  podman run --rm --privileged busybox sh -c 'echo inside >/proc/sys/kernel/domainname'
}

sysctl_of_the_network_namespace() {
  prints 777 podman run --rm --sysctl net.core.somaxconn=777 busybox cat /proc/sys/net/core/somaxconn
}

sysctl_of_the_ipc_namespace() {
  prints 1234 podman run --rm --sysctl kernel.msgmax=1234 busybox cat /proc/sys/kernel/msgmax
}

a_sysctl_of_the_host_is_refused() {
  refuses podman run --rm --sysctl vm.swappiness=1 busybox true
}

pids_limit_stops_a_fork_bomb() {
  has_controller pids || skip 'no pids controller in the cgroups the runtime can use'
  matches "can't fork" "$(podman run --rm --pids-limit 8 busybox sh -c \
    'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 5 & done' 2>&1 || true)"
}

cpu_shares_quota_and_set() {
  has_controller cpu && has_controller cpuset || skip 'no cpu and cpuset controllers in the cgroups the runtime can use'
  start shared --cpu-shares 512 --cpus 0.5 --cpuset-cpus 0
  prints 0 podman exec shared awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status
  local path
  path=$(podman inspect --format '{{.State.CgroupPath}}' shared)
  if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
    prints '50000 100000' cat "/sys/fs/cgroup$path/cpu.max"
  else
    prints 50000 cat "/sys/fs/cgroup/cpu$path/cpu.cfs_quota_us"
    prints 512 cat "/sys/fs/cgroup/cpu$path/cpu.shares"
  fi
  remove shared
}

no_cgroup_of_its_own() {
  [[ $(basename "$runtime") != runc ]] || skip 'runc always makes a cgroup'
  prints "$(sed 's/.*://' /proc/self/cgroup)" podman run --cgroups=disabled --rm busybox sed 's/.*://' /proc/self/cgroup
}
