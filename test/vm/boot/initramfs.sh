#!/bin/busybox sh
# /init of the initramfs: finds the two disks and hands over to boot/init.sh on them.
# /dev/vda is Debian (test/vm/system.ts), /dev/vdb this repository (test/vm/repository.ts).

busybox=/bin/busybox

$busybox mount -t devtmpfs devtmpfs /dev
$busybox mount -t proc proc /proc
for module in virtio_pci virtio_blk virtio_console crc32c_generic ext4; do $busybox modprobe $module; done
$busybox umount /proc

$busybox mount -t ext4 -o noatime /dev/vda /root
$busybox mount -t ext4 -o noatime /dev/vdb /root/tsoci
$busybox mount --move /dev /root/dev
exec $busybox switch_root /root /tsoci/test/vm/boot/init.sh
