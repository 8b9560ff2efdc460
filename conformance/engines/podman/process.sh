# shellcheck shell=bash
# podman run: the process, what it is given and what it hands back (config.md#process).

output_and_error_reach_the_caller_apart() {
  podman run --rm busybox sh -c 'echo out; echo err >&2' >"$work/out" 2>"$work/err"
  prints out cat "$work/out"
  prints err cat "$work/err"
}

standard_input_reaches_the_process_and_ends() {
  prints "$(seq 2000)" podman run --rm -i busybox cat < <(seq 2000)
}

without_i_standard_input_is_empty() {
  prints '' podman run --rm busybox cat < <(echo unseen)
}

exit_code_0() { exits 0 podman run --rm busybox true; }
exit_code_3() { exits 3 podman run --rm busybox sh -c 'exit 3'; }
exit_code_of_a_signal_is_128_and_its_number() {
  exits 137 podman run --rm --name killed busybox sh -c 'sleep 100 & wait' &
  eventually podman kill --signal KILL killed
  wait $!
}

a_command_not_found_is_127_and_named() {
  exits 127 podman run --rm busybox no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
}

a_path_not_found_is_127_and_named() {
  exits 127 podman run --rm busybox /no/such/path 2>"$work/err"
  matches /no/such/path "$(<"$work/err")"
}

a_file_not_executable_is_126_and_named() {
  exits 126 podman run --rm busybox /etc/not-executable 2>"$work/err"
  matches /etc/not-executable "$(<"$work/err")"
}

a_directory_as_command_is_refused() { exits 126 podman run --rm busybox /etc; }

environment() {
  prints 'a b=c' podman run --rm --env 'GREETING=a b=c' busybox sh -c 'echo "$GREETING"'
}

home_is_that_of_the_user() {
  prints /home/app podman run --rm --user app busybox sh -c 'echo $HOME'
}

working_directory() { prints /etc podman run --rm --workdir /etc busybox pwd; }

a_working_directory_that_is_missing_is_an_error() {
  refuses podman run --rm --workdir /missing busybox true
}

user_by_name_has_its_groups() {
  prints '1000 1000 1000 2000' podman run --rm --user app busybox sh -c 'echo $(id -u) $(id -g) $(id -G)'
}

user_and_group_by_number() {
  prints '7 8 8' podman run --rm --user 7:8 busybox sh -c 'echo $(id -u) $(id -g) $(id -G)'
}

additional_group() {
  prints '0 777' podman run --rm --group-add 777 busybox id -G
}

umask_of_the_process() { prints 0027 podman run --rm --umask 027 busybox sh -c umask; }

a_terminal_is_dev_pts_0_of_the_right_size() {
  matches $'^/dev/pts/0\n31 97$' "$(on_terminal podman run --rm -it busybox sh -c "$report_terminal")"
}

a_terminal_is_the_controlling_one() {
  prints controlled on_terminal podman run --rm -it busybox sh -c 'echo controlled >/dev/tty'
}

dev_console_is_the_terminal() {
  prints shown on_terminal podman run --rm -it busybox sh -c 'echo shown >/dev/console'
}

exit_code_through_a_terminal() { exits 5 on_terminal podman run --rm -it busybox sh -c 'exit 5'; }

what_is_typed_reaches_the_process() {
  local screen
  screen=$({ sleep 2; echo 'echo $((6 * 7))'; sleep 1; echo exit; } | on_terminal podman run --rm -it busybox sh)
  matches $'\n42\n' "$screen"
}

control_c_interrupts_the_foreground_process() {
  local screen
  screen=$({ sleep 2; printf '\003'; sleep 2; } | on_terminal podman run --rm -it busybox sh -c \
    'trap "echo interrupted; exit 0" INT; while :; do sleep 0.2; done')
  matches interrupted "$screen"
}

descriptors_are_passed_on() {
  prints through podman run --rm --preserve-fds 2 busybox sh -c 'cat <&4' 3</dev/null 4< <(echo through)
}

no_other_descriptor_is_passed_on() {
  prints '0 1 2 3' podman run --rm busybox sh -c 'echo $(ls /proc/self/fd)' 9</etc/passwd
}

init_reaps_orphans_and_hands_on_the_exit_code() {
  local init=/usr/libexec/podman/catatonit
  [[ -x $init ]] || init=$(type -P catatonit tini | head -n 1)
  [[ $init ]] || skip 'neither catatonit nor tini is installed'
  exits 4 podman run --rm --init --init-path "$init" busybox sh -c \
    '[ $$ != 1 ] || exit 99; (sh -c "sleep 0.1 & " &); sleep 0.5; ps -o stat | grep -q Z && exit 98; exit 4'
}

signals_are_handed_on_to_the_process() {
  podman run --rm busybox sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done' >"$work/out" &
  eventually grep -q ready "$work/out"
  kill -TERM $!
  exits 9 wait $!
}

oom_score_adj() { prints 321 podman run --rm --oom-score-adj 321 busybox cat /proc/self/oom_score_adj; }

ulimit_soft_and_hard() {
  prints '100 200' podman run --rm --ulimit nofile=100:200 --ulimit nproc=500:500 busybox sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)'
}

a_time_limit_ends_the_container() { refuses podman run --rm --timeout 1 busybox sleep 100; }
