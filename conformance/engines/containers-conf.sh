# shellcheck shell=bash
# The settings of a private podman or buildah: storage, state, locks and events are inside $work and the
# sandbox's /run, and the runtime under test is the only one.

private_containers_conf() {
  export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
  local name storage_driver=overlay
  name=$(basename "$runtime")
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
default_ulimits = [$(can "$CAP_SYS_RESOURCE" || echo '"nofile=1000:1000", "nproc=1000:1000"')]
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
runtime_supports_nocgroup = [$([[ $name == runc ]] || echo "\"$name\"")]
[engine.runtimes]
"$name" = ["$runtime"]
EOF
}
