# shellcheck shell=bash
# podman run: what the container sees as its files (config.md#mounts, config-linux.md).

# _mount_options PATH: the options of the mount there, inside a container started with the arguments that follow.
_mount_options() {
  podman run --rm "${@:2}" busybox awk -v at="$1" '$5 == at { print $6 "," $NF }' /proc/self/mountinfo
}

root_is_writable_and_the_image_is_not_changed() {
  podman run --rm busybox sh -c 'echo x >/etc/new'
  exits 1 podman run --rm busybox test -e /etc/new
}

read_only_root_refuses_writes_but_not_on_tmpfs() {
  exits 1 podman run --rm --read-only busybox touch /etc/new
  podman run --rm --read-only busybox touch /tmp/new /run/new /dev/shm/new
}

a_volume_is_read_and_written() {
  mkdir "$work/rw"
  echo before >"$work/rw/file"
  podman run --rm --volume "$work/rw:/data" busybox sh -c 'grep before /data/file && echo after >/data/file'
  prints after cat "$work/rw/file"
}

a_read_only_volume_is_read_only() {
  mkdir "$work/ro"
  echo content >"$work/ro/file"
  exits 1 podman run --rm --volume "$work/ro:/data:ro" busybox touch /data/file
  prints content podman run --rm --volume "$work/ro:/data:ro" busybox cat /data/file
}

volume_options_nosuid_nodev_noexec() {
  mkdir "$work/options"
  local options
  options=$(_mount_options /data --volume "$work/options:/data:nosuid,nodev,noexec")
  matches nosuid "$options" && matches nodev "$options" && matches noexec "$options"
}

a_single_file_as_a_volume() {
  echo one >"$work/one"
  prints one podman run --rm --volume "$work/one:/etc/one:ro" busybox cat /etc/one
}

a_named_volume_outlives_its_container() {
  podman run --rm --volume kept:/data busybox sh -c 'echo kept >/data/file'
  prints kept podman run --rm --volume kept:/data busybox cat /data/file
  podman volume rm kept
}

a_volume_over_a_link_in_the_image_stays_inside() {
  mkdir "$work/target"
  podman create --name linked busybox true
  podman cp "$(_link_to "$work/target")" linked:/escape
  podman commit --quiet linked linked
  podman rm linked
  podman run --rm --volume "$work/rootfs:/escape/inside" linked true
  podman rmi linked
  prints '' ls -A "$work/target"
}

_link_to() {
  ln -sfn "$1" "$work/link"
  echo "$work/link"
}

mounts_in_a_shared_volume_come_through() {
  mkdir -p "$work/shared/inner"
  mount --bind "$work/shared" "$work/shared" && mount --make-rshared "$work/shared"
  start propagation --volume "$work/shared:/data:rslave"
  mount -t tmpfs tmpfs "$work/shared/inner"
  matches ' /data/inner ' "$(podman exec propagation cat /proc/self/mountinfo)"
  umount "$work/shared/inner"
  refuses podman exec propagation grep -q ' /data/inner ' /proc/self/mountinfo
  remove propagation
  umount "$work/shared"
}

tmpfs_with_size_and_mode() {
  matches 'size=1024k' "$(_mount_options /scratch --tmpfs /scratch:size=1m,mode=1777)"
  prints 1777 podman run --rm --tmpfs /scratch:size=1m,mode=1777 busybox stat -c %a /scratch
}

tmpfs_keeps_what_the_image_had() {
  matches passwd "$(podman run --rm --tmpfs /etc busybox ls /etc)"
}

shm_size() { matches size=2048k "$(_mount_options /dev/shm --shm-size 2m)"; }

a_root_directory_instead_of_an_image() {
  cp -a "$work/rootfs" "$work/other"
  prints other podman run --rm --rootfs "$work/other" sh -c 'echo other | tee /left'
  prints other cat "$work/other/left"
}

default_devices_work() {
  podman run --rm busybox sh -c 'echo x >/dev/null && head -c 4 /dev/zero /dev/urandom >/dev/null && ! echo x >/dev/full'
  prints '/proc/self/fd pts/ptmx' podman run --rm busybox sh -c 'echo $(readlink /dev/fd) $(readlink /dev/ptmx)'
}

a_device_may_be_used_as_far_as_it_was_given() {
  podman run --rm --cap-add syslog --device /dev/kmsg:/dev/write-only:w busybox \
    sh -c ': >/dev/write-only && ! (: </dev/write-only)'
}

a_device_not_given_may_not_be_used() {
  exits 1 podman run --rm --cap-add mknod --cap-add syslog busybox sh -c 'mknod /dev/kmsg2 c 1 11 && : </dev/kmsg2'
}

sensitive_files_are_masked() {
  local file
  for file in /proc/keys /proc/kcore /proc/timer_list; do
    [[ ! -e $file ]] || prints '' podman run --rm busybox cat "$file"
  done
  prints '' podman run --rm busybox ls /sys/firmware
}

proc_sys_is_read_only() {
  exits 1 podman run --rm busybox sh -c 'echo 1 >/proc/sys/kernel/domainname'
}

unmasked_paths_are_seen() {
  matches . "$(podman run --rm --security-opt unmask=ALL busybox cat /proc/timer_list)"
}

copied_files_arrive_in_a_running_container() {
  start copied
  echo copied >"$work/copied"
  podman cp "$work/copied" copied:/tmp/
  prints copied podman exec copied cat /tmp/copied
  remove copied
}

cgroups_are_shown_read_only() {
  local shown point options
  shown=$(podman run --rm busybox awk '/ - cgroup2? / { print $5, $6; exit }' /proc/self/mountinfo)
  read -r point options <<<"$shown"
  matches '^ro,' "$options"
  exits 1 podman run --rm busybox mkdir "$point/new"
}
