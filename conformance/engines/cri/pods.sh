# shellcheck shell=bash
# Pods and containers by crictl, as a kubelet asks for them.

# _address POD: that of the pod
_address() { crictl inspectp --output json "$1" | jq --raw-output .status.network.ip; }

created_started_stopped_removed() {
  pod life
  create life lasting . sh -c 'trap "exit 6" TERM; touch /ready; while :; do sleep 0.1; done'
  is "$container" CREATED
  crictl start "$container"
  eventually crictl exec --sync "$container" test -e /ready
  is "$container" RUNNING
  crictl stop --timeout 8 "$container"
  is "$container" EXITED
  prints 6 field "$container" .exitCode
  crictl rm "$container"
  refuses crictl inspect "$container"
  crictl stopp "$pod"
  crictl rmp "$pod"
}

the_handler_of_a_runtime_class_is_this_runtime() {
  pod classed
  prints "$handler" jq --raw-output .status.runtimeHandler <(crictl inspectp --output json "$pod")
  prints "$pod" jq --raw-output '.[].id' <("$runtime" --root /run/containerd/runc/k8s.io list --format json)
  sed s/classed/unclassed/ "$work/classed.pod" >"$work/unclassed.pod"
  refuses crictl runp --runtime another "$work/unclassed.pod" 2>"$work/err"
  matches 'no runtime for .*another' "$(<"$work/err")"
  remove "$pod"
}

a_container_that_fails_to_start_says_why() {
  pod wrong
  create wrong missing . no-such-command
  refuses crictl start "$container" 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
  is "$container" EXITED
  remove "$pod"
}

stop_kills_what_ignores_sigterm() {
  pod stopped
  start stopped deaf . sh -c 'trap "" TERM; touch /ready; while :; do sleep 0.1; done'
  eventually crictl exec --sync "$container" test -e /ready
  crictl stop --timeout 1 "$container"
  prints 137 field "$container" .exitCode
  remove "$pod"
}

exec_in_a_container() {
  pod entered
  start entered host . sleep 1000
  refuses crictl exec --interactive "$container" sh -c 'cat; echo err >&2; exit 12' \
    >"$work/out" 2>"$work/err" < <(echo through)
  prints through cat "$work/out"
  matches $'^err\n.*exit code 12' "$(<"$work/err")"
  matches $'^/dev/pts/0\n31 97$' "$(on_terminal crictl exec -it "$container" sh -c "$report_terminal")"
  remove "$pod"
}

exec_of_a_probe() {
  pod probed
  start probed host . sleep 1000
  prints output crictl exec --sync "$container" echo output
  refuses crictl exec --sync "$container" sh -c 'exit 4' 2>"$work/err"
  matches 'exited with 4' "$(<"$work/err")"
  refuses crictl exec --sync --timeout 1 "$container" sleep 1007 2>"$work/err"
  matches 'timeout|DeadlineExceeded' "$(<"$work/err")"
  eventually refuses pgrep --full --exact 'sleep 1007'
  refuses crictl exec --sync "$container" no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
  remove "$pod"
}

attach_reaches_the_process() {
  pod attached
  start attached reading '.stdin = true | .stdin_once = true' sh -c 'read -r words; echo "heard $words"; sleep 2'
  matches 'heard these words' "$(crictl attach --stdin "$container" < <(echo these words; sleep 1))"
  remove "$pod"
}

logs_have_both_streams() {
  pod logging
  start logging words . sh -c 'echo out; echo err >&2; echo -n unended'
  eventually is "$container" EXITED
  prints $'out\nunended' crictl logs "$container" 2>"$work/err"
  prints err cat "$work/err"
  remove "$pod"
}

user_groups_directory_and_environment() {
  pod given
  start given who '.working_dir = "/etc" | .envs = [{ key: "A", value: "b c" }] | .linux.security_context =
    { run_as_user: { value: 1000 }, run_as_group: { value: 33 }, supplemental_groups: [2000] }' \
    sh -c 'echo $(id -u) $(id -g) $(id -G) $PWD $A'
  eventually is "$container" EXITED
  matches '^1000 33 33 .*2000.* /etc b c$' "$(crictl logs "$container")"
  remove "$pod"
}

a_volume_and_a_read_only_root() {
  pod stored
  mkdir "$work/volume"
  start stored writing ".mounts = [{ host_path: \"$work/volume\", container_path: \"/volume\" }] |
    .linux.security_context.readonly_rootfs = true" sh -c 'echo words >/volume/file; touch /file || exit 5'
  eventually is "$container" EXITED
  prints 5 field "$container" .exitCode
  prints words cat "$work/volume/file"
  remove "$pod"
}

pods_reach_one_another_over_the_bridge() {
  local server
  pod server
  server=$pod
  start server web ".image.image = \"$web\"" nginx 80
  matches '^10\.88\.' "$(_address "$server")"
  pod client
  start client asking . sleep 1000
  eventually crictl exec --sync "$container" wget -q -O /page "http://$(_address "$server")/"
  prints welcome crictl exec --sync "$container" cat /page
  refuses equal "$(_address "$server")" "$(_address "$pod")"
  remove "$server" "$pod"
}

containers_of_a_pod_share_its_network() {
  pod shared
  start shared web ".image.image = \"$web\"" nginx 80
  start shared beside . sleep 1000
  eventually crictl exec --sync "$container" wget -q -O /page http://127.0.0.1/
  remove "$pod"
}

port_forward_reaches_a_pod() {
  pod forwarded
  start forwarded web ".image.image = \"$web\"" nginx 80
  crictl port-forward "$pod" 8089:80 &
  eventually busybox wget -q -O "$work/page" http://127.0.0.1:8089/
  kill $!
  prints welcome cat "$work/page"
  remove "$pod"
}

a_host_port_reaches_a_pod() {
  type -P iptables >/dev/null || skip 'iptables is not installed, which the portmap plugin calls'
  pod mapped '.port_mappings = [{ container_port: 80, host_port: 8090 }]'
  start mapped web ".image.image = \"$web\"" nginx 80
  eventually busybox wget -q -O "$work/page" "http://$(ip -4 -o addr show cni0 | awk '{ sub("/.*", "", $4); print $4 }'):8090/"
  prints welcome cat "$work/page"
  remove "$pod"
}

pods_outlive_containerd() {
  pod outliving
  start outliving lasting . sleep 1000
  start outliving ending . sh -c 'until test -e /end; do sleep 0.1; done; exit 21'
  crictl exec --sync "$container" true
  local process
  process=$(pgrep --full 'until test -e /end')
  end_containerd KILL
  touch "/proc/$process/root/end"
  eventually refuses kill -0 "$process"
  start_containerd
  eventually is "$container" EXITED # containerd 2.4 does not learn its exit code, with any runtime
  container=$(crictl ps --quiet --pod "$pod")
  crictl exec --sync "$container" true
  crictl stop --timeout 8 "$container"
  prints 143 field "$container" .exitCode
  remove "$pod"
}

a_pod_whose_shim_was_killed_can_be_removed() {
  pod orphaned
  start orphaned lasting . sleep 1008
  pkill -KILL --full -- "containerd-shim-runc-v2 .*-id $pod"
  eventually is "$container" EXITED
  remove "$pod"
  refuses pgrep --full --exact 'sleep 1008'
}
