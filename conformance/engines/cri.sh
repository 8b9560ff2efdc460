#!/usr/bin/env bash
# CRI, by which a kubelet drives containerd 2, with the runtime under test: crictl, critest and a load. See README.md.
source "$(dirname "$0")/lib.sh"
source "$engines/image.sh"
source "$engines/go-tools.sh"
source "$engines/cri-images.sh"
source "$engines/cri-pods.sh"
source "$engines/critest.sh"
needs runc busybox jq script
prepare() { build_go_tools && export go_tools; }
begin "$@"
export PATH=$work/bin:$go_tools:$PATH

export CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1 # that of cgroup v1
handler=$(basename "$runtime")
export CONTAINERD_ADDRESS=/run/containerd/containerd.sock
printf '%s\n' "runtime-endpoint: unix://$CONTAINERD_ADDRESS" "timeout: $ENGINE_TIMEOUT" >"$work/crictl.yaml"
within="exec timeout --foreground --kill-after 5 $ENGINE_TIMEOUT $go_tools"
printf '%s\n' '#!/bin/sh' "$within/ctr \"\$@\"" >"$work/bin/ctr"
printf '%s\n' '#!/bin/sh' "$within/crictl --config $work/crictl.yaml \"\$@\"" >"$work/bin/crictl"
chmod +x "$work"/bin/{ctr,crictl}

# What containerd calls. CRI limits every container (cpu.shares) and names its cgroup: the cgroup moves below the
# suite's, and where the hierarchy of cgroup v2 has no controllers, the limits go, whichever runtime it is.
change=".linux.cgroupsPath |= \"/$suite_id\" + ."
if ! { [[ -f /sys/fs/cgroup/cgroup.controllers ]] && has_controller cpu; }; then
  change+=' | .linux.resources |= with_entries(select(.key == "devices"))'
fi

# handler NAME: one for a RuntimeClass, by the file that tsoci's packages have for it.
handler() {
  cat >"$work/bin/$1-of-cri" <<EOF
#!/bin/sh
for word; do
  [ "\$option" != --bundle ] || bundle=\$word
  [ "\$word" != create ] || command=create
  option=\$word
done
if [ "\$command" = create ]; then
  jq '$change' "\$bundle/config.json" >"\$bundle/changed.json" && mv "\$bundle/changed.json" "\$bundle/config.json" || exit
fi
exec $([[ $1 == "$handler" ]] && echo "$runtime" || type -P "$1") "\$@"
EOF
  chmod +x "$work/bin/$1-of-cri"
  sed "s|@PREFIX@/bin/tsoci|$work/bin/$1-of-cri|; s/runtimes.tsoci/runtimes.$1/" \
    "$engines/../../packaging/examples/containerd/tsoci-2.toml" >"$work/handlers/$1.toml"
}
mkdir "$work/handlers"
handlers=("$handler")
[[ $handler == runc ]] || handlers+=(runc)
for name in "${handlers[@]}"; do handler "$name"; done

snapshotter=overlayfs
grep -qw overlay /proc/filesystems || snapshotter=native
cri="plugins.'io.containerd.cri.v1"
cat >"$work/config.toml" <<EOF
version = 3
root = "$work/containerd"
state = "/run/containerd"
imports = ["$work/handlers/*.toml"]
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "$CONTAINERD_ADDRESS"
[$cri.images']
  snapshotter = "$snapshotter"
[$cri.images'.pinned_images]
  sandbox = "$REGISTRY/sandbox:latest"
[$cri.images'.registry]
  config_path = "$work/hosts"
[$cri.runtime']
  restrict_oom_score_adj = $(can "$CAP_SYS_RESOURCE" && echo false || echo true)
[$cri.runtime'.cni]
  bin_dirs = ["$go_tools"]
  conf_dir = "$work/cni"
[$cri.runtime'.containerd]
  default_runtime_name = "$handler"
EOF
mkdir "$work/cni"
cat >"$work/cni/10-bridge.conflist" <<EOF
{
  "cniVersion": "1.0.0",
  "name": "bridged",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isGateway": true,
      "ipam": {
        "type": "host-local", "dataDir": "$work/addresses",
        "ranges": [[{ "subnet": "10.88.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }]
      }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } }
  ]
}
EOF

# Checks, which are subshells, end and start it, too. While there is $work/containerd.pid, it answers.
start_containerd() {
  local pid
  containerd --config "$work/config.toml" --log-level warn >>"$work/containerd.log" 2>&1 3>&- &
  pid=$!
  disown # or bash tells when it is killed
  eventually crictl version || { tail -n 20 "$work/containerd.log"; return 2; }
  echo "$pid" >"$work/containerd.pid"
}

# end_containerd [SIGNAL]
end_containerd() {
  local pid
  pid=$(<"$work/containerd.pid")
  rm "$work/containerd.pid"
  kill -s "${1-TERM}" "$pid"
  eventually refuses kill -0 "$pid"
}

make_cri_rootfs "$work/rootfs"
"$engines/leaks.sh" snapshot >"$work/before"
start_containerd || exit 2
busybox=$REGISTRY/pods:busybox web=$REGISTRY/pods:web
import k8s.io sandbox:latest '' tail -f /dev/null && import k8s.io pods:busybox && import k8s.io pods:web '' nginx 80 || exit 2

check_critest
for file in "$engines"/cri/*.sh; do run_checks "$file"; done
crictl rmp --force --all >/dev/null 2>&1
end_containerd
ip link delete cni0 2>/dev/null # the bridge plugin leaves it for the next pod
leaks="/$suite_id/.*[0-9a-f]{64}" # of containers; the kubelet would own those above
only='' run_checks "$engines/after.sh"
finish
