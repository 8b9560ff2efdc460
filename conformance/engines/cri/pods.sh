# shellcheck shell=bash
# Pods and containers by crictl, as a kubelet asks for them.

# _pod NAME [JQ]: a pod; its id is in $pod. JQ changes its PodSandboxConfig.
_pod() {
  mkdir -p "$work/logs/$1"
  jq --null-input --arg name "$1" --arg logs "$work/logs/$1" "{
    metadata: { name: \$name, uid: \$name, namespace: \"tests\", attempt: 0 }, log_directory: \$logs,
    linux: { cgroup_parent: \"/pods\" }
  } ${2:+| $2}" >"$work/$1.pod"
  pod=$(crictl runp --runtime "$handler" "$work/$1.pod")
}

# _created POD NAME JQ COMMAND...: a container in the pod of that name; its id is in $container. JQ changes its ContainerConfig.
_created() {
  jq --null-input --arg name "$2" --arg image "$busybox" "{
    metadata: { name: \$name, attempt: 0 }, image: { image: \$image }, command: \$ARGS.positional,
    log_path: \"\(\$name).log\", linux: {}
  } | $3" --args -- "${@:4}" >"$work/$2.container"
  container=$(crictl create "$pod" "$work/$2.container" "$work/$1.pod")
}

# _started POD NAME JQ COMMAND...
_started() {
  _created "$@"
  crictl start "$container" >/dev/null
}

_removed() { crictl rmp --force "$@" >/dev/null; }

# _field CONTAINER JQ
_field() { crictl inspect --output json "$1" | jq --raw-output ".status$2"; }
_is() { [[ $(_field "$1" .state) == "CONTAINER_$2" ]]; }

# _address POD: that of the pod
_address() { crictl inspectp --output json "$1" | jq --raw-output .status.network.ip; }

created_started_stopped_removed() {
  _pod life
  _created life lasting . sh -c 'trap "exit 6" TERM; touch /ready; while :; do sleep 0.1; done'
  _is "$container" CREATED
  crictl start "$container"
  eventually crictl exec --sync "$container" test -e /ready
  _is "$container" RUNNING
  crictl stop --timeout 8 "$container"
  _is "$container" EXITED
  prints 6 _field "$container" .exitCode
  crictl rm "$container"
  refuses crictl inspect "$container"
  crictl stopp "$pod"
  crictl rmp "$pod"
}

the_handler_of_a_runtime_class_is_this_runtime() {
  _pod classed
  prints "$handler" jq --raw-output .status.runtimeHandler <(crictl inspectp --output json "$pod")
  prints "$pod" jq --raw-output '.[].id' <("$runtime" --root /run/containerd/runc/k8s.io list --format json)
  sed s/classed/unclassed/ "$work/classed.pod" >"$work/unclassed.pod"
  refuses crictl runp --runtime another "$work/unclassed.pod" 2>"$work/err"
  matches 'no runtime for .*another' "$(<"$work/err")"
  _removed "$pod"
}

a_container_that_fails_to_start_says_why() {
  _pod wrong
  _created wrong missing . no-such-command
  refuses crictl start "$container" 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
  _is "$container" EXITED
  _removed "$pod"
}

stop_kills_what_ignores_sigterm() {
  _pod stopped
  _started stopped deaf . sh -c 'trap "" TERM; touch /ready; while :; do sleep 0.1; done'
  eventually crictl exec --sync "$container" test -e /ready
  crictl stop --timeout 1 "$container"
  prints 137 _field "$container" .exitCode
  _removed "$pod"
}

exec_in_a_container() {
  _pod entered
  _started entered host . sleep 1000
  refuses crictl exec --interactive "$container" sh -c 'cat; echo err >&2; exit 12' \
    >"$work/out" 2>"$work/err" < <(echo through)
  prints through cat "$work/out"
  matches $'^err\n.*exit code 12' "$(<"$work/err")"
  matches $'^/dev/pts/0\n31 97$' "$(on_terminal crictl exec -it "$container" sh -c "$report_terminal")"
  _removed "$pod"
}

exec_of_a_probe() {
  _pod probed
  _started probed host . sleep 1000
  prints output crictl exec --sync "$container" echo output
  refuses crictl exec --sync "$container" sh -c 'exit 4' 2>"$work/err"
  matches 'exited with 4' "$(<"$work/err")"
  refuses crictl exec --sync --timeout 1 "$container" sleep 1007 2>"$work/err"
  matches 'timeout|DeadlineExceeded' "$(<"$work/err")"
  eventually refuses pgrep --full --exact 'sleep 1007'
  refuses crictl exec --sync "$container" no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
  _removed "$pod"
}

attach_reaches_the_process() {
  _pod attached
  _started attached reading '.stdin = true | .stdin_once = true' sh -c 'read -r words; echo "heard $words"; sleep 2'
  matches 'heard these words' "$(crictl attach --stdin "$container" < <(echo these words; sleep 1))"
  _removed "$pod"
}

logs_have_both_streams() {
  _pod logging
  _started logging words . sh -c 'echo out; echo err >&2; echo -n unended'
  eventually _is "$container" EXITED
  prints $'out\nunended' crictl logs "$container" 2>"$work/err"
  prints err cat "$work/err"
  _removed "$pod"
}

stats_know_a_container() {
  has_controller memory || skip 'the memory controller is not one of cgroup v2 here'
  _pod counted
  _started counted host . sleep 1000
  (($(crictl stats --id "$container" --output json | jq --raw-output '.stats[0].memory.workingSetBytes.value') > 0))
  _removed "$pod"
}

update_changes_a_limit_or_names_the_controller() {
  _pod updated
  _started updated host . sleep 1000
  if has_controller cpu; then
    crictl update --cpu-share 512 "$container"
  else
    refuses crictl update --cpu-share 512 "$container" 2>"$work/err"
    matches cpu "$(<"$work/err")"
  fi
  _removed "$pod"
}

user_groups_directory_and_environment() {
  _pod given
  _started given who '.working_dir = "/etc" | .envs = [{ key: "A", value: "b c" }] | .linux.security_context =
    { run_as_user: { value: 1000 }, run_as_group: { value: 33 }, supplemental_groups: [2000] }' \
    sh -c 'echo $(id -u) $(id -g) $(id -G) $PWD $A'
  eventually _is "$container" EXITED
  matches '^1000 33 33 .*2000.* /etc b c$' "$(crictl logs "$container")"
  _removed "$pod"
}

a_volume_and_a_read_only_root() {
  _pod stored
  mkdir "$work/volume"
  _started stored writing ".mounts = [{ host_path: \"$work/volume\", container_path: \"/volume\" }] |
    .linux.security_context.readonly_rootfs = true" sh -c 'echo words >/volume/file; touch /file || exit 5'
  eventually _is "$container" EXITED
  prints 5 _field "$container" .exitCode
  prints words cat "$work/volume/file"
  _removed "$pod"
}

pods_reach_one_another_over_the_bridge() {
  local server
  _pod server
  server=$pod
  _started server web ".image.image = \"$web\"" nginx 80
  matches '^10\.88\.' "$(_address "$server")"
  _pod client
  _started client asking . sleep 1000
  eventually crictl exec --sync "$container" wget -q -O /page "http://$(_address "$server")/"
  prints welcome crictl exec --sync "$container" cat /page
  refuses equal "$(_address "$server")" "$(_address "$pod")"
  _removed "$server" "$pod"
}

containers_of_a_pod_share_its_network() {
  _pod shared
  _started shared web ".image.image = \"$web\"" nginx 80
  _started shared beside . sleep 1000
  eventually crictl exec --sync "$container" wget -q -O /page http://127.0.0.1/
  _removed "$pod"
}

port_forward_reaches_a_pod() {
  _pod forwarded
  _started forwarded web ".image.image = \"$web\"" nginx 80
  crictl port-forward "$pod" 8089:80 &
  eventually busybox wget -q -O "$work/page" http://127.0.0.1:8089/
  kill $!
  prints welcome cat "$work/page"
  _removed "$pod"
}

a_host_port_reaches_a_pod() {
  type -P iptables >/dev/null || skip 'iptables is not installed, which the portmap plugin calls'
  _pod mapped '.port_mappings = [{ container_port: 80, host_port: 8090 }]'
  _started mapped web ".image.image = \"$web\"" nginx 80
  eventually busybox wget -q -O "$work/page" "http://$(ip -4 -o addr show cni0 | awk '{ sub("/.*", "", $4); print $4 }'):8090/"
  prints welcome cat "$work/page"
  _removed "$pod"
}

pods_outlive_containerd() {
  _pod outliving
  _started outliving lasting . sleep 1000
  _started outliving ending . sh -c 'until test -e /end; do sleep 0.1; done; exit 21'
  crictl exec --sync "$container" true
  local process
  process=$(pgrep --full 'until test -e /end')
  end_containerd KILL
  touch "/proc/$process/root/end"
  eventually refuses kill -0 "$process"
  start_containerd
  eventually _is "$container" EXITED # containerd 2.4 does not learn its exit code, with any runtime
  container=$(crictl ps --quiet --pod "$pod")
  crictl exec --sync "$container" true
  crictl stop --timeout 8 "$container"
  prints 143 _field "$container" .exitCode
  _removed "$pod"
}

a_pod_whose_shim_was_killed_can_be_removed() {
  _pod orphaned
  _started orphaned lasting . sleep 1008
  pkill -KILL --full -- "containerd-shim-runc-v2 .*-id $pod"
  eventually _is "$container" EXITED
  _removed "$pod"
  refuses pgrep --full --exact 'sleep 1008'
}
