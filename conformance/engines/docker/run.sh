# shellcheck shell=bash
# docker run: the process, its streams, its surroundings.

output_error_and_exit_code() {
  exits 3 docker run --rm busybox sh -c 'echo out; echo err >&2; exit 3' >"$work/out" 2>"$work/err"
  prints out cat "$work/out"
  prints err cat "$work/err"
}

standard_input_reaches_the_process_and_ends() {
  prints "$(seq 2000)" docker run --rm --interactive busybox cat < <(seq 2000)
}

a_command_not_found_is_127_and_named() {
  exits 127 docker run --rm busybox no-such-command 2>"$work/err"
  matches no-such-command "$(<"$work/err")"
}

a_file_not_executable_is_126_and_named() {
  exits 126 docker run --rm busybox /etc/not-executable 2>"$work/err"
  matches /etc/not-executable "$(<"$work/err")"
}

a_file_that_its_user_may_not_execute_is_126_and_a_missing_interpreter_127() {
  docker create --name prepared busybox true
  install -m 700 "$work/rootfs/bin/busybox" "$work/own"
  install -m 755 /dev/stdin "$work/script" <<<'#!/no/interpreter'
  docker cp "$work/own" prepared:/bin/own
  docker cp "$work/script" prepared:/bin/script
  docker commit prepared prepared-image
  exits 126 docker run --rm --user app prepared-image own true
  # runc has said by then that the container runs.
  [[ $(basename "$runtime") == runc ]] || exits 127 docker run --rm prepared-image script
  remove prepared
  docker rmi prepared-image
}

a_terminal_is_of_the_right_size_and_controlling() {
  matches $'/dev/pts/0\n31 97$' "$(on_terminal docker run --rm -it busybox sh -c "$report_terminal")"
  matches controlled "$(on_terminal docker run --rm -it busybox sh -c 'echo controlled >/dev/tty; sleep 0.5')"
  exits 5 on_terminal docker run --rm -it busybox sh -c 'exit 5'
}

what_is_typed_reaches_the_process() {
  local screen
  screen=$({ sleep 2; echo 'echo $((6 * 7))'; sleep 1; echo exit; } | on_terminal docker run --rm -it busybox sh)
  matches $'\n42\n' "$screen"
}

environment_directory_user_and_groups() {
  prints 'b c /etc 1000 1000 1000 2000' docker run --rm --env 'A=b c' --workdir /etc --user app busybox \
    sh -c 'echo $A $PWD $(id -u) $(id -g) $(id -G)'
  prints '7 8 8 777' docker run --rm --user 7:8 --group-add 777 busybox sh -c 'echo $(id -u) $(id -g) $(id -G)'
}

hostname_and_hosts() {
  prints chosen docker run --rm --hostname chosen busybox hostname
  matches '10.1.2.3.*there' "$(docker run --rm --network host --add-host there:10.1.2.3 busybox cat /etc/hosts)"
}

volumes_binds_and_tmpfs() {
  mkdir "$work/bound"
  docker run --rm --volume "$work/bound:/data" --volume kept:/kept --tmpfs /scratch busybox \
    sh -c 'echo bound >/data/file; echo kept >/kept/file; echo >/scratch/file'
  prints bound cat "$work/bound/file"
  prints kept docker run --rm --volume kept:/kept:ro busybox cat /kept/file
  exits 1 docker run --rm --volume "$work/bound:/data:ro" busybox touch /data/new
  docker volume rm kept
}

a_read_only_root() { exits 1 docker run --rm --read-only busybox touch /new; }

init_reaps_and_hands_on_the_exit_code() {
  type -P docker-init >/dev/null || skip 'docker-init (tini) is not installed'
  exits 4 docker run --rm --init busybox sh -c '[ $$ != 1 ] || exit 99; exit 4'
}

capabilities_and_no_new_privileges() {
  prints '0000000000000001 1' docker run --rm --cap-drop all --cap-add chown --security-opt no-new-privileges busybox \
    sh -c 'echo $(awk "/^(CapEff|NoNewPrivs)/ { print \$2 }" /proc/self/status)'
  exits 1 docker run --rm --user app busybox chown 0 /home/app
}

seccomp_by_default_by_profile_and_not_at_all() {
  prints 2 _seccomp
  prints 0 _seccomp --security-opt seccomp=unconfined
  echo '{ "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28 }] }' >"$work/profile.json"
  matches 'No space left' "$(docker run --rm --security-opt "seccomp=$work/profile.json" busybox \
    sh -c 'mkdir /tmp/new 2>&1 || true')"
}

_seccomp() { docker run --rm "$@" busybox awk '/^Seccomp:/ { print $2 }' /proc/self/status; }

privileged_sees_devices_and_may_mount() {
  [[ $(basename "$runtime") != runc ]] || can "$CAP_SYS_RESOURCE" || skip "$RUNC_WANTS_ALL"
  docker run --rm --privileged busybox sh -c 'mount -t tmpfs tmpfs /tmp && test -c /dev/kmsg'
  refuses docker run --rm busybox mount -t tmpfs tmpfs /tmp
}

a_device() {
  docker run --rm --device /dev/kmsg:/dev/other busybox test -c /dev/other
  exits 1 docker run --rm busybox test -e /dev/other
}

ulimits_and_sysctls() {
  prints '100 200 777' docker run --rm --ulimit nofile=100:200 --sysctl net.core.somaxconn=777 busybox \
    sh -c 'echo $(ulimit -Sn) $(ulimit -Hn) $(cat /proc/sys/net/core/somaxconn)'
}

shared_memory_of_the_asked_size() {
  prints 8192 docker run --rm --shm-size 8m busybox sh -c 'df -k /dev/shm | awk "END { print \$2 }"'
}

namespaces_of_another_container_and_of_the_host() {
  start owner --ipc shareable
  local option type
  for option in ipc network pid; do
    type=${option/network/net}
    prints "$(docker exec owner readlink "/proc/self/ns/$type")" \
      docker run --rm "--$option" container:owner busybox readlink "/proc/self/ns/$type"
    prints "$(readlink "/proc/self/ns/$type")" docker run --rm "--$option" host busybox readlink "/proc/self/ns/$type"
  done
  remove owner
}

cgroup_namespace_private_and_of_the_host() {
  prints / docker run --rm --cgroupns private busybox sh -c 'sed "s/.*://" /proc/self/cgroup | sort -u'
  matches "/$suite_id/[0-9a-f]" "$(docker run --rm --cgroupns host busybox cat /proc/self/cgroup)"
}

loopback_only_without_a_network() {
  prints lo docker run --rm --network none busybox ls /sys/class/net
  docker run --rm --network none busybox ping -c 1 -W 2 127.0.0.1
}

a_network_joins_containers_and_publishes_ports() {
  docker network create --subnet 10.213.7.0/24 joined
  docker run --detach --name server --network joined --ip 10.213.7.7 --publish 127.0.0.1:8081:80 busybox \
    sh -c 'mkdir /www; echo hello >/www/index.html; httpd -f -h /www'
  eventually docker run --rm --network joined busybox wget -q -O - http://10.213.7.7/
  prints hello docker run --rm --network joined busybox wget -q -O - http://10.213.7.7/
  prints hello busybox wget -q -O - http://127.0.0.1:8081/
  remove server
  docker network rm joined
}

containers_at_once() {
  local i jobs=()
  for i in 1 2 3 4 5 6 7 8; do
    exits "$i" docker run --rm busybox sh -c "exit $i" & jobs+=($!)
  done
  for i in "${jobs[@]}"; do wait "$i"; done
}
