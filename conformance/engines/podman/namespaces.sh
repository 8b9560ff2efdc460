# shellcheck shell=bash
# podman run: namespaces, new, joined and those of the host (config-linux.md#namespaces), and pods.

_namespace() { podman run --rm "${@:2}" busybox readlink "/proc/self/ns/$1"; }

_namespaces_here() { readlink /proc/self/ns/{ipc,mnt,net,pid,uts}; }

namespaces_are_new() {
  podman run --rm busybox \
    sh -c 'cd /proc/self/ns; for i in ipc mnt net pid uts; do readlink $i; done' >"$work/new"
  prints 5 grep -c : "$work/new"
  refuses grep -F "$(_namespaces_here)" "$work/new"
}

namespaces_of_the_host() {
  podman run --rm --ipc host --network host --pid host --uts host busybox \
    sh -c 'cd /proc/self/ns; for i in ipc mnt net pid uts; do readlink $i; done' >"$work/joined"
  prints "$(_namespaces_here | grep -v mnt)" grep -v mnt "$work/joined"
}

# _joins OPTION TYPE
_joins() {
  start owner --ipc shareable
  prints "$(podman exec owner readlink "/proc/self/ns/$2")" _namespace "$2" "--$1" container:owner
  remove owner
}

pid_namespace_of_another_container() { _joins pid pid; }
network_namespace_of_another_container() { _joins network net; }
ipc_namespace_of_another_container() { _joins ipc ipc; }
uts_namespace_of_another_container() { _joins uts uts; }

a_joined_pid_namespace_outlives_the_one_who_joined() {
  start owner
  exits 3 podman run --rm --pid container:owner busybox sh -c 'ps -o args | grep -q "sleep 1000" && exit 3'
  podman exec owner true
  podman run --detach --name guest --pid container:owner busybox sleep 1004
  remove guest
  refuses pgrep -f 'sleep 1004'
  podman exec owner true
  remove owner
}

a_path_as_network_namespace() {
  ip netns add made
  prints "net:[$(stat -L -c %i /run/netns/made)]" _namespace net --network ns:/run/netns/made
  ip netns delete made
  umount /run/netns
}

hostname() { prints chosen podman run --rm --hostname chosen busybox hostname; }

loopback_only_without_a_network() {
  prints lo podman run --rm --network none busybox sh -c 'ls /sys/class/net'
  podman run --rm --network none busybox ping -c 1 -W 2 127.0.0.1
}

the_network_that_podman_makes() {
  [[ -x /usr/lib/cni/bridge || -x /opt/cni/bin/bridge ]] || skip 'no CNI plugins are installed'
  matches 'inet 10\.[0-9.]+' "$(podman run --rm --network podman busybox ip -4 address show eth0)"
  ip link delete cni-podman0
  umount /run/netns # podman leaves it mounted for the next
}

cgroup_namespace() {
  prints / podman run --rm --cgroupns private busybox sh -c 'sed "s/.*://" /proc/self/cgroup | sort -u'
  refuses prints / podman run --rm --cgroupns host busybox sh -c 'sed "s/.*://" /proc/self/cgroup | sort -u'
}

user_namespace_maps_ids() {
  prints '0 100000 1000' podman run --rm --uidmap 0:100000:1000 --gidmap 0:200000:1000 busybox \
    sh -c 'echo $(cat /proc/self/uid_map)'
  prints '0 200000 1000' podman run --rm --uidmap 0:100000:1000 --gidmap 0:200000:1000 busybox \
    sh -c 'echo $(cat /proc/self/gid_map)'
}

user_namespace_owns_its_root_filesystem() {
  prints '0 0' podman run --rm --uidmap 0:100000:1001 --gidmap 0:100000:1001 busybox \
    sh -c 'touch /new && stat -c "%u %g" /new'
  prints 1000 podman run --rm --uidmap 0:100000:2001 --gidmap 0:100000:2001 --user app busybox id -u
}

user_namespace_with_a_volume_tmpfs_and_terminal() {
  mkdir "$work/mapped"
  chown 100000:100000 "$work/mapped"
  matches $'/dev/pts/0\n0' "$(on_terminal podman run --rm -it --uidmap 0:100000:1001 --gidmap 0:100000:1001 \
    --volume "$work/mapped:/data" --tmpfs /scratch busybox sh -c 'tty; touch /data/new /scratch/new && stat -c %u /data/new')"
  prints 100000 stat -c %u "$work/mapped/new"
}

user_namespace_of_another_container() {
  start mapped --uidmap 0:100000:1001 --gidmap 0:100000:1001
  refuses prints "$(readlink /proc/self/ns/user)" podman exec mapped readlink /proc/self/ns/user
  prints "$(podman exec mapped readlink /proc/self/ns/user)" _namespace user --userns container:mapped
  remove mapped
}

exec_in_a_user_namespace() {
  start mapped --uidmap 0:100000:1001 --gidmap 0:100000:1001
  prints '0 0' podman exec mapped sh -c 'echo $(id -u) $(awk "/^Uid/ { print \$2 }" /proc/1/status)'
  prints 100000 sh -c "awk '/^Uid/ { print \$2 }' /proc/\$(podman inspect --format '{{.State.Pid}}' mapped)/status"
  remove mapped
}

containers_of_a_pod_share_namespaces() {
  local options=()
  # podman 4.3 forbids every device in the cgroup v2 of a pod, so keep the containers out of it.
  [[ ! -f /sys/fs/cgroup/cgroup.controllers ]] || options=(--share-parent=false)
  podman pod create "${options[@]}" --name pod --infra-image busybox --infra-command 'sleep 1000' --hostname podded
  podman run --detach --pod pod --name first busybox sleep 1000
  podman run --detach --pod pod --name second busybox sleep 1000
  prints podded podman exec second hostname
  local type
  for type in net ipc uts; do
    prints "$(podman exec first readlink "/proc/1/ns/$type")" podman exec second readlink "/proc/1/ns/$type"
  done
  prints Running podman pod inspect --format '{{.State}}' pod
  podman pod stop --time 0 pod
  podman pod start pod
  podman exec first true
  podman pod rm --force --time 0 pod
}
