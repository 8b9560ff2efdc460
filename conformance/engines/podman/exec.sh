# shellcheck shell=bash
# podman exec: a second process in a running container.

exec_joins_the_namespaces_of_the_container() {
  start joined --hostname inside
  prints inside podman exec joined hostname
  matches 'sleep 1000' "$(podman exec joined ps -o args)"
  remove joined
}

exec_exit_code() {
  start coded
  exits 12 podman exec coded sh -c 'exit 12'
  exits 137 podman exec coded sh -c 'kill -9 $$'
  remove coded
}

exec_of_a_missing_command_is_127_and_named() {
  start missing
  exits 127 podman exec missing no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
  remove missing
}

exec_of_a_file_not_executable_is_126() {
  start denied
  exits 126 podman exec denied /etc/not-executable
  remove denied
}

exec_environment_user_and_directory() {
  start given --env ONE=1
  prints '1 2 1000 /etc' podman exec --env TWO=2 --user app --workdir /etc given sh -c 'echo $ONE $TWO $(id -u) $PWD'
  remove given
}

exec_input_and_output() {
  start piped
  prints "$(seq 2000)" podman exec -i piped cat < <(seq 2000)
  remove piped
}

exec_on_a_terminal() {
  start screen
  matches $'/dev/pts/[0-9]+\n31 97$' "$(on_terminal podman exec -it screen sh -c "$report_terminal")"
  exits 5 on_terminal podman exec -it screen sh -c 'exit 5'
  remove screen
}

exec_typed_input() {
  start typed
  matches $'\n42\n' "$({ sleep 2; echo 'echo $((6 * 7))'; sleep 1; echo exit; } | on_terminal podman exec -it typed sh)"
  remove typed
}

exec_detached() {
  start apart
  podman exec --detach apart sh -c 'sleep 1; echo done >/tmp/done'
  eventually podman exec apart grep -q done /tmp/done
  remove apart
}

exec_passes_descriptors() {
  start fds
  prints through podman exec --preserve-fds 2 fds sh -c 'cat <&4' 3</dev/null 4< <(echo through)
  remove fds
}

exec_has_the_capabilities_of_the_container() {
  start capable --cap-drop all --cap-add chown
  prints 0000000000000001 podman exec capable awk '/^CapEff/ { print $2 }' /proc/self/status
  remove capable
}

exec_privileged_has_more() {
  start raised --cap-drop all
  refuses prints 0000000000000000 podman exec --privileged raised awk '/^CapEff/ { print $2 }' /proc/self/status
  remove raised
}

exec_is_under_the_seccomp_filter_and_no_new_privileges() {
  start filtered --security-opt no-new-privileges
  prints '1 2' podman exec filtered sh -c \
    'echo $(awk "/^(NoNewPrivs|Seccomp):/ { print \$2 }" /proc/self/status)'
  remove filtered
}

exec_is_in_the_cgroup_of_the_container() {
  start grouped
  prints "$(podman exec grouped cat /proc/1/cgroup)" podman exec grouped cat /proc/self/cgroup
  remove grouped
}

many_execs_at_once() {
  start busy
  local i jobs=()
  for i in 1 2 3 4 5 6; do
    exits "$i" podman exec busy sh -c "exit $i" & jobs+=($!)
  done
  for i in "${jobs[@]}"; do wait "$i"; done
  remove busy
}

exec_in_a_stopped_container_is_refused() {
  podman create --name stopped busybox true
  refuses podman exec stopped true
  podman rm stopped
}
