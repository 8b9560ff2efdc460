#!/usr/bin/env bash
# containerd (through containerd-shim-runc-v2 and ctr) with the runtime under test. See README.md.
source "$(dirname "$0")/lib.sh"
source "$engines/image.sh"
needs containerd containerd-shim-runc-v2 ctr busybox jq script
begin "$@"

# A private containerd: its root is in $work, its state, sockets and runtime state in the sandbox's /run. The
# namespace is the suite's, and so is therefore the default cgroup of its containers (/NAMESPACE/ID).
export CONTAINERD_ADDRESS=/run/containerd/containerd.sock CONTAINERD_NAMESPACE=$suite_id
cat >"$work/config.toml" <<EOF
version = 2
root = "$work/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "$CONTAINERD_ADDRESS"
EOF
snapshotter=overlayfs
grep -qw overlay /proc/filesystems || snapshotter=native

options=("--snapshotter=$snapshotter" "--runc-binary=$runtime")
has_controller cpu || options+=(--cpu-shares=0) # ctr's own default is 1024

cat >"$work/bin/ctr" <<EOF
#!/bin/sh
if [ "\$1" = run ]; then
  shift
  set -- run --runtime=io.containerd.runc.v2 ${options[@]@Q} "\$@"
fi
exec timeout --foreground --kill-after 5 $ENGINE_TIMEOUT $(type -P ctr) "\$@"
EOF
chmod +x "$work/bin/ctr"
ln -s "$runtime" "$work/bin/runc" # for commands of ctr that have no --runc-binary

make_rootfs "$work/rootfs"
make_oci_archive "$work/rootfs" busybox >"$work/busybox.tar"
make_oci_archive "$work/rootfs" as-app app >"$work/as-app.tar"
"$engines/leaks.sh" snapshot >"$work/before"

containerd --config "$work/config.toml" --log-level warn >"$work/containerd.log" 2>&1 &
daemon=$!
eventually ctr version || { cat "$work/containerd.log"; exit 2; }
for image in busybox as-app; do
  ctr image import --snapshotter "$snapshotter" "$work/$image.tar" >/dev/null || exit 2
done

# run ID [OPTION...] -- COMMAND...: ctr run in the order people think in.
run() {
  local id=$1 options=()
  shift
  while [[ $1 != -- ]]; do options+=("$1"); shift; done
  shift
  ctr run "${options[@]}" busybox "$id" "$@"
}
start() { run "$1" --detach "${@:2}" -- sleep 1000; }
remove() { ctr tasks delete --force "$1" && ctr containers delete "$1"; }

for file in "$engines"/containerd/*.sh; do run_checks "$file"; done
kill "$daemon"
wait "$daemon"
leaks="/$suite_id/"
only='' run_checks "$engines/after.sh"
finish
