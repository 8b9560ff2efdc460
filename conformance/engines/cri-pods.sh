# shellcheck shell=bash
# What the checks of cri.sh share: pods and their containers by crictl. Ids are in $pod and $container.

# pod NAME [JQ]: a pod; its id is in $pod. JQ changes its PodSandboxConfig.
pod() {
  mkdir -p "$work/logs/$1"
  jq --null-input --arg name "$1" --arg logs "$work/logs/$1" "{
    metadata: { name: \$name, uid: \$name, namespace: \"tests\", attempt: 0 }, log_directory: \$logs,
    linux: { cgroup_parent: \"/pods\" }
  } ${2:+| $2}" >"$work/$1.pod"
  pod=$(crictl runp --runtime "$handler" "$work/$1.pod")
}

# create POD NAME JQ COMMAND...: a container in the pod of that name; its id is in $container. JQ changes its ContainerConfig.
create() {
  jq --null-input --arg name "$2" --arg image "$busybox" "{
    metadata: { name: \$name, attempt: 0 }, image: { image: \$image }, command: \$ARGS.positional,
    log_path: \"\(\$name).log\", linux: {}
  } | $3" --args -- "${@:4}" >"$work/$2.container"
  container=$(crictl create "$pod" "$work/$2.container" "$work/$1.pod")
}

# start POD NAME JQ COMMAND...
start() {
  create "$@"
  crictl start "$container" >/dev/null
}

remove() { crictl rmp --force "$@" >/dev/null; }

# field CONTAINER JQ
field() { crictl inspect --output json "$1" | jq --raw-output ".status$2"; }
is() { [[ $(field "$1" .state) == "CONTAINER_$2" ]]; }
