# shellcheck shell=bash
# ctr run and ctr tasks.

_status() { ctr tasks list | awk -v id="$1" '$1 == id { print $3 }'; }
_is() { [[ $(_status "$1") == "$2" ]]; }

output_error_and_exit_code() {
  exits 3 run plain --rm -- sh -c 'echo out; echo err >&2; exit 3' >"$work/out" 2>"$work/err"
  prints out cat "$work/out"
  prints err cat "$work/err"
}

standard_input() {
  # ctr run does not tell the end of its input, so the process must know it.
  prints "$(seq 2000)" run piped --rm -- head -n 2000 < <(seq 2000)
}

exit_code_of_a_signal() {
  exits 137 run signalled --rm -- sh -c 'sleep 1005 & wait' &
  eventually _is signalled RUNNING
  ctr tasks kill --signal SIGKILL signalled
  wait $!
}

a_missing_command_is_an_error_that_names_it() {
  refuses run missing --rm -- no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
}

environment_and_directory() {
  prints 'b c /etc' run given --rm --env 'A=b c' --cwd /etc -- sh -c 'echo $A $PWD'
}

the_user_of_the_image_with_all_its_groups() {
  prints '1000 1000 1000 2000' ctr run --rm as-app user sh -c 'echo $(id -u) $(id -g) $(id -G)'
}

a_terminal() {
  matches $'^/dev/pts/0\n31 97$' "$(on_terminal ctr run --rm --tty busybox screen sh -c "$report_terminal")"
  exits 5 on_terminal ctr run --rm --tty busybox screen sh -c 'exit 5'
}

what_is_typed_reaches_the_process() {
  local screen
  screen=$({ sleep 2; echo 'echo $((6 * 7))'; sleep 1; echo exit; } | on_terminal ctr run --rm --tty busybox typed sh)
  matches $'\n42\n' "$screen"
}

detached_listed_killed_deleted() {
  start apart
  prints RUNNING _status apart
  ctr tasks kill --signal SIGKILL apart
  eventually _is apart STOPPED
  matches 'exit code 137' "$(ctr tasks delete apart 2>&1)"
  prints '' _status apart
  ctr containers delete apart
}

a_task_is_killed_by_any_signal() {
  run trapped --detach -- sh -c 'trap "exit 11" USR1; touch /ready; while :; do sleep 0.1; done'
  eventually ctr tasks exec --exec-id probe trapped test -e /ready
  ctr tasks kill --signal SIGUSR1 trapped
  eventually _is trapped STOPPED
  matches 'exit code 11' "$(ctr tasks delete trapped 2>&1)"
  ctr containers delete trapped
}

kill_all_reaches_every_process() {
  run crowd --detach -- sh -c 'sleep 1006 & sleep 1006 & trap "" TERM; wait; wait; sleep 1007'
  eventually pgrep -f 'sleep 1006'
  ctr tasks kill --all --signal SIGKILL crowd
  eventually _is crowd STOPPED
  refuses pgrep -f 'sleep 100[67]'
  remove crowd
}

a_running_task_is_deleted_by_force_only() {
  start running
  refuses ctr tasks delete running
  ctr tasks delete --force running || true
  prints '' _status running
  ctr containers delete running
}

create_then_start() {
  ctr containers create --runtime io.containerd.runc.v2 --snapshotter "$snapshotter" busybox later cat /etc/not-executable /
  exits 1 ctr tasks start later >"$work/out"
  prints 'not a program' cat "$work/out"
  ctr containers delete later
}

exec_output_input_and_exit_code() {
  start entered
  exits 12 ctr tasks exec --exec-id one entered sh -c 'cat; exit 12' >"$work/out" < <(echo through)
  prints through cat "$work/out"
  matches 'sleep 1000' "$(ctr tasks exec --exec-id two entered ps -o args)"
  prints '1000 /etc' ctr tasks exec --exec-id three --user 1000 --cwd /etc entered sh -c 'echo $(id -u) $PWD'
  remove entered
}

exec_on_a_terminal() {
  start entered-tty
  matches $'/dev/pts/[0-9]+\n31 97$' "$(on_terminal ctr tasks exec --tty --exec-id one entered-tty sh -c "$report_terminal")"
  remove entered-tty
}

exec_detached() {
  start entered-apart
  ctr tasks exec --detach --exec-id one entered-apart sh -c 'echo done >/tmp/done; sleep 1008'
  eventually ctr tasks exec --exec-id two entered-apart test -s /tmp/done
  matches '1008' "$(ps -eo args)"
  matches '^PID +INFO' "$(ctr tasks ps entered-apart)"
  prints 2 sh -c 'ctr tasks ps entered-apart | grep -vc PID'
  remove entered-apart
}

exec_of_a_missing_command_is_an_error_that_names_it() {
  start entered-badly
  refuses ctr tasks exec --exec-id one entered-badly no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
  remove entered-badly
}

paused_and_resumed() {
  has_controller freezer || skip 'no cgroup freezer'
  mkdir -p "$work/ticks"
  run frozen --detach --mount "type=bind,src=$work/ticks,dst=/ticks,options=rbind:rw" -- \
    sh -c 'while :; do echo tick >>/ticks/file; sleep 0.05; done'
  eventually test -s "$work/ticks/file"
  ctr tasks pause frozen
  prints PAUSED _status frozen
  local before
  before=$(stat -c %s "$work/ticks/file")
  sleep 0.5
  prints "$before" stat -c %s "$work/ticks/file"
  ctr tasks resume frozen
  prints RUNNING _status frozen
  eventually _grows "$work/ticks/file" "$before"
  remove frozen
}

_grows() { (($(stat -c %s "$1") > $2)); }

metrics() {
  has_controller memory && has_controller pids || skip 'no memory and pids controllers in the cgroups the runtime can use'
  start measured
  matches '"?pids' "$(ctr tasks metrics --format json measured)"
  remove measured
}

a_memory_limit_is_set() {
  has_controller memory || skip 'no memory controller in the cgroups the runtime can use'
  start limited --memory-limit $((64 << 20))
  prints $((64 << 20)) sh -c "cat /sys/fs/cgroup/memory/$suite_id/limited/memory.limit_in_bytes \
    || cat /sys/fs/cgroup/$suite_id/limited/memory.max"
  remove limited
}

bind_mounts_read_only_and_writable() {
  mkdir "$work/bound"
  echo before >"$work/bound/file"
  exits 1 run bound --rm --mount "type=bind,src=$work/bound,dst=/data,options=rbind:ro" -- sh -c 'echo x >/data/file'
  run bound --rm --mount "type=bind,src=$work/bound,dst=/data,options=rbind:rw" -- sh -c 'echo after >/data/file'
  prints after cat "$work/bound/file"
}

a_read_only_root() { exits 1 run sealed --rm --read-only -- touch /new; }

privileged() {
  run mighty --rm --privileged -- sh -c 'mount -t tmpfs tmpfs /tmp && echo inside >/proc/sys/kernel/domainname'
  refuses run weak --rm -- mount -t tmpfs tmpfs /tmp
}

seccomp_by_default_profile() {
  prints 2 run filtered --rm --seccomp -- awk '/^Seccomp:/ { print $2 }' /proc/self/status
}

no_new_privileges_by_default() {
  prints 1 run strict --rm -- awk '/^NoNewPrivs/ { print $2 }' /proc/self/status
}

capabilities_added_and_dropped() {
  prints 1 run capable --rm --cap-add CAP_SYS_ADMIN -- sh -c 'mount -t tmpfs tmpfs /tmp && echo 1'
  exits 1 run incapable --rm --cap-drop CAP_CHOWN -- chown 1000 /etc/passwd
}

a_device() {
  run device --rm --device /dev/kmsg -- test -c /dev/kmsg
}

pid_file() {
  start filed --pid-file "$work/pid"
  prints "$(<"$work/pid")" sh -c "ctr tasks list | awk '\$1 == \"filed\" { print \$2 }'"
  remove filed
}

namespaces_are_joined_by_path() {
  start owner
  local pid
  pid=$(ctr tasks list | awk '$1 == "owner" { print $2 }')
  prints "$(readlink "/proc/$pid/ns/net")" run guest --rm --with-ns "network:/proc/$pid/ns/net" -- readlink /proc/self/ns/net
  prints "$(readlink "/proc/$pid/ns/pid")" run guest --rm --with-ns "pid:/proc/$pid/ns/pid" -- readlink /proc/self/ns/pid
  prints "$(readlink "/proc/$pid/ns/ipc")" run guest --rm --with-ns "ipc:/proc/$pid/ns/ipc" -- readlink /proc/self/ns/ipc
  remove owner
}

network_of_the_host() {
  prints "$(readlink /proc/self/ns/net)" run open --rm --net-host -- readlink /proc/self/ns/net
}

containers_at_once() {
  local i jobs=()
  for i in 1 2 3 4 5 6 7 8; do
    exits "$i" run "many-$i" --rm -- sh -c "exit $i" & jobs+=($!)
  done
  for i in "${jobs[@]}"; do wait "$i"; done
}

a_hundred_lines_survive_a_fast_exit() {
  prints "$(seq 100)" run fast --rm -- seq 100
}

events_are_told_in_order() {
  timeout 20 ctr events >"$work/events" & 
  sleep 0.5
  run told --rm -- true
  eventually grep -q '/tasks/delete.*told' "$work/events"
  kill $!
  prints $'create\nstart\nexit\ndelete' sh -c "grep told $work/events | grep -oE '/tasks/[a-z]+' | cut -d / -f 3"
}

the_shim_is_gone_with_its_container() {
  run last --rm -- true
  eventually refuses pgrep -f containerd-shim-runc-v2
}
