# shellcheck shell=bash
# docker exec.

output_input_and_exit_code() {
  start entered
  exits 12 docker exec --interactive entered sh -c 'cat; exit 12' >"$work/out" < <(echo through)
  prints through cat "$work/out"
  remove entered
}

environment_directory_and_user() {
  start entered
  prints 'b c /etc 1000 1000 2000' docker exec --env 'A=b c' --workdir /etc --user app entered \
    sh -c 'echo $A $PWD $(id -u) $(id -G)'
  remove entered
}

a_missing_command_is_an_error_that_names_it_and_one_not_executable_126() {
  start entered
  refuses docker exec entered no-such-command >"$work/out" 2>&1 # 126 of docker 20.10, 127 of later ones
  matches no-such-command "$(<"$work/out")"
  exits 126 docker exec entered /etc/not-executable
  remove entered
}

on_a_terminal_of_the_right_size() {
  start entered
  matches $'/dev/pts/0\n31 97$' "$(on_terminal docker exec -it entered sh -c "$report_terminal")"
  remove entered
}

detached_goes_on() {
  start entered
  docker exec --detach entered sh -c 'echo done >/tmp/done; sleep 1004'
  eventually docker exec entered test -s /tmp/done
  matches 'sleep 1004' "$(docker top entered)"
  remove entered
}

privileged_adds_capabilities() {
  [[ $(basename "$runtime") != runc ]] || can "$CAP_SYS_RESOURCE" || skip "$RUNC_WANTS_ALL"
  start entered
  refuses _exec_has "$CAP_SYS_ADMIN"
  _exec_has "$CAP_SYS_ADMIN" --privileged
  remove entered
}

# _exec_has CAPABILITY [OPTION...]
_exec_has() {
  (($(docker exec "${@:2}" entered awk '/^CapEff/ { print "0x" $2 }' /proc/self/status) >> $1 & 1))
}
