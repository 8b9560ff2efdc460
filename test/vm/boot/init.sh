#!/bin/busybox sh
# Process 1 of the guest's own root: everything a test may count on, then an init that reaps.
# The kernel's command line sets `vm_init` in our environment (busybox or systemd) and `vm_lsm` (apparmor or selinux).

export PATH=/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t securityfs securityfs /sys/kernel/security
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount --make-rshared / # as systemd leaves it
ip link set lo up
echo 8 >/proc/sys/vm/nr_hugepages

mkdir -p /dev/mqueue
mount -t mqueue mqueue /dev/mqueue

session=/tsoci/test/vm/boot/session.sh
if [ "$vm_lsm" = selinux ]; then
  printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' >/etc/selinux/config
  load_policy -i    # enforcing from here on; mounts /sys/fs/selinux
  restorecon -R /dev # the kernel made these files before it had a policy
  # By the shell, which has a label: the repository has none, and nothing unlabelled leads to another domain.
  session="runcon system_u:system_r:unconfined_t:s0 sh $session"
fi

if [ "$vm_init" = systemd ]; then
  # Nothing but D-Bus and our session: the rest of sysinit.target would take three times as long as the kernel.
  units=/run/systemd/system
  for unit in dbus.socket dbus.service; do
    mkdir -p $units/$unit.d
    printf '[Unit]\nDefaultDependencies=no\n' >$units/$unit.d/early.conf
  done
  cp /tsoci/test/vm/boot/session.service $units/
  exec /lib/systemd/systemd --unit=session.service
fi

ln -s /proc/self/fd /dev/fd
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
  echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done

echo "::once:$session" >/etc/inittab
exec busybox init
