# shellcheck shell=bash
# The settings of a private podman or buildah: storage, state, locks and events are inside $work and the
# sandbox's /run, and the runtime under test is the only one.

private_containers_conf() {
  export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
  local storage_driver=overlay
  grep -qw overlay /proc/filesystems || storage_driver=vfs
  cat >"$CONTAINERS_STORAGE_CONF" <<EOF
[storage]
driver = "$storage_driver"
graphroot = "$work/storage"
runroot = "/run/containers/storage"
EOF
  containers_conf "$(can "$CAP_SYS_RESOURCE" || echo "$MODEST_LIMITS")" "$(has_controller pids && echo 2048 || echo 0)" \
    "static_dir = \"$work/storage/libpod\"" 'tmp_dir = "/run/libpod"' "volume_path = \"$work/storage/volumes\"" \
    >"$CONTAINERS_CONF"
}

# For default_ulimits: what a user without CAP_SYS_RESOURCE may set.
MODEST_LIMITS='"nofile=1000:1000", "nproc=1000:1000"'

# containers_conf ULIMITS PIDS_LIMIT [LINE...]: containers.conf(5) on standard output, LINEs being of [engine].
containers_conf() {
  local name
  name=$(basename "$runtime")
  cat <<EOF
[containers]
netns = "none"
log_driver = "k8s-file"
default_ulimits = [$1]
pids_limit = $2
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
$(printf '%s\n' "${@:3}")
runtime = "$name"
pull_policy = "never"
runtime_supports_json = ["$name"]
runtime_supports_nocgroup = [$([[ $name == runc ]] || echo "\"$name\"")]
[engine.runtimes]
"$name" = ["$runtime"]
EOF
}
