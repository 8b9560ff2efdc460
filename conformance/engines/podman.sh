#!/usr/bin/env bash
# podman (through conmon) with the runtime under test. See README.md.
source "$(dirname "$0")/lib.sh"
source "$engines/image.sh"
needs podman conmon busybox script
begin "$@"

# Settings of a private podman: its storage, state, locks and events are inside $work and the sandbox's /run.
export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
name=$(basename "$runtime") storage_driver=overlay
grep -qw overlay /proc/filesystems || storage_driver=vfs
cat >"$CONTAINERS_STORAGE_CONF" <<EOF
[storage]
driver = "$storage_driver"
graphroot = "$work/storage"
runroot = "/run/containers/storage"
EOF
cat >"$CONTAINERS_CONF" <<EOF
[containers]
netns = "none"
log_driver = "k8s-file"
default_ulimits = [$(can $CAP_SYS_RESOURCE || echo '"nofile=1000:1000", "nproc=1000:1000"')]
pids_limit = $(has_controller pids && echo 2048 || echo 0)
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
static_dir = "$work/storage/libpod"
tmp_dir = "/run/libpod"
volume_path = "$work/storage/volumes"
runtime = "$name"
pull_policy = "never"
runtime_supports_json = ["$name"]
runtime_supports_nocgroups = [$([[ $name == runc ]] || echo "\"$name\"")]
[engine.runtimes]
"$name" = ["$runtime"]
EOF

cat >"$work/bin/podman" <<EOF
#!/bin/sh
case "\$1 \$2" in
  run\ *|create\ *) command=\$1; shift; set -- "\$command" --cgroup-parent="/$suite_id" "\$@" ;;
  'pod create') shift 2; set -- pod create --cgroup-parent="/$suite_id" "\$@" ;;
esac
exec timeout --foreground --kill-after 5 60 $(type -P podman) "\$@"
EOF
chmod +x "$work/bin/podman"

make_rootfs "$work/rootfs"
tar --directory "$work/rootfs" --create . | podman import --change ENV=PATH=/bin - busybox >/dev/null 2>&1 || exit 2

# start NAME [OPTION...]: a container with nothing to do.
start() { podman run --detach --name "$1" "${@:2}" busybox sleep 1000 >/dev/null; }
remove() { podman rm --force --time 0 "$@" >/dev/null; }

"$engines/leaks.sh" snapshot >"$work/before"
for file in "$engines"/podman/*.sh; do run_checks "$file"; done
podman pod rm --all --force --time 0 >/dev/null
podman rm --all --force --time 0 >/dev/null
leaks="/$suite_id/.*libpod-[0-9a-f]*\$" # the other cgroups are podman's own: of pods and of conmon
only='' run_checks "$engines/leaks.checks.sh"
finish
