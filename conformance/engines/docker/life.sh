# shellcheck shell=bash
# docker's life cycle of a container.

_status() { field "$1" .State.Status; }
_is() { [[ $(_status "$1") == "$2" ]]; }
_logged() { docker logs "$1" 2>&1 | grep -q "$2"; }

created_started_stopped_started_again_removed() {
  docker create --name life busybox sh -c 'trap "exit 6" TERM; echo turn; while :; do sleep 0.1; done'
  prints created _status life
  docker start life
  eventually _logged life turn
  docker stop --time 8 life
  prints 'exited 6' field life '.State.Status}} {{.State.ExitCode'
  docker start life
  eventually _is life running
  refuses docker rm life
  docker rm --force life
}

stop_kills_what_ignores_sigterm() {
  docker run --detach --name deaf busybox sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
  eventually _logged deaf ready
  docker stop --time 1 deaf
  prints 137 field deaf .State.ExitCode
  remove deaf
}

kill_sends_any_signal() {
  docker run --detach --name signalled --stop-signal USR2 busybox \
    sh -c 'trap "echo usr1" USR1; trap "exit 11" USR2; echo ready; while :; do sleep 0.1; done'
  eventually _logged signalled ready
  docker kill --signal USR1 signalled
  eventually _logged signalled usr1
  docker stop --time 8 signalled
  prints 11 docker wait signalled
  docker start signalled
  docker kill signalled
  prints 137 docker wait signalled
  refuses docker kill signalled
  remove signalled
}

restart_gives_a_new_process() {
  start restarted
  local before
  before=$(field restarted .State.Pid)
  docker restart --time 0 restarted
  refuses equal "$before" "$(field restarted .State.Pid)"
  prints running _status restarted
  remove restarted
}

restart_policy_on_failure_tries_so_often() {
  docker run --detach --name failing --restart on-failure:2 busybox sh -c 'echo turn; exit 3'
  eventually prints '2 exited 3' field failing '.RestartCount}} {{.State.Status}} {{.State.ExitCode'
  prints $'turn\nturn\nturn' docker logs failing
  remove failing
}

restart_policy_always_outlives_a_killed_process() {
  docker run --detach --name revived --restart always busybox sleep 1000
  kill -KILL "$(field revived .State.Pid)"
  eventually prints '1 running' field revived '.RestartCount}} {{.State.Status'
  docker exec revived true
  remove revived
}

health_is_what_its_command_says() {
  docker run --detach --name checked --health-cmd 'test -e /well' --health-interval 200ms --health-retries 2 \
    busybox sleep 1000
  eventually prints unhealthy field checked .State.Health.Status
  docker exec checked touch /well
  eventually prints healthy field checked .State.Health.Status
  remove checked
}

a_detached_container_removes_itself() {
  docker run --detach --rm --name gone busybox true
  eventually refuses docker inspect gone
}

attach_shows_what_comes_and_takes_input() {
  docker run --detach --interactive --name attached busybox sh -c 'read line; echo "got $line"; sleep 0.5'
  prints 'got words' docker attach attached < <(sleep 0.5; echo words; sleep 1)
  remove attached
}

attach_to_a_terminal() {
  docker run --detach --interactive --tty --name screen busybox sh
  matches $'\n42\n' "$({ sleep 1; echo 'echo $((6 * 7))'; sleep 1; echo exit; } | on_terminal docker attach screen)"
  eventually _is screen exited
  remove screen
}

logs_of_both_streams_followed_to_the_end() {
  docker run --detach --name logged busybox sh -c 'for i in 1 2 3; do echo $i; echo err >&2; sleep 0.2; done'
  docker logs --follow logged >"$work/out" 2>"$work/err"
  prints $'1\n2\n3' cat "$work/out"
  prints $'err\nerr\nerr' cat "$work/err"
  remove logged
}

the_rest_dies_with_init() {
  docker run --detach --name family busybox sh -c 'sleep 1001 & sleep 1002 & sleep 0.5'
  docker wait family
  refuses pgrep -f 'sleep 100[12]'
  remove family
}

top_lists_the_processes() {
  docker run --detach --name listed busybox sh -c 'sleep 1003 & wait'
  eventually _lists listed 'sleep 1003'
  remove listed
}

_lists() { docker top "$1" | grep -q "$2"; }

pause_freezes_and_unpause_goes_on() {
  has_controller freezer || skip 'no cgroup freezer'
  docker run --detach --name frozen busybox sh -c 'while :; do echo tick; sleep 0.05; done'
  eventually _logged frozen tick
  docker pause frozen
  prints paused _status frozen
  local before
  before=$(docker logs frozen | wc -l)
  sleep 0.5
  prints "$before" sh -c 'docker logs frozen | wc -l'
  refuses docker exec frozen true
  docker unpause frozen
  eventually _more_lines_than "$before" frozen
  remove frozen
}

_more_lines_than() { (($(docker logs "$2" | wc -l) > $1)); }

copies_into_and_out_of_a_container() {
  start copied
  echo words >"$work/words"
  docker cp "$work/words" copied:/tmp/words
  prints words docker exec copied cat /tmp/words
  docker exec copied sh -c 'echo answer >/tmp/answer'
  docker cp copied:/tmp/answer "$work/answer"
  prints answer cat "$work/answer"
  remove copied
}

a_container_is_committed_and_diffed() {
  docker run --name changed busybox sh -c 'echo new >/new'
  matches 'A /new' "$(docker diff changed)"
  docker commit changed changed-image
  prints new docker run --rm changed-image cat /new
  remove changed
  docker rmi changed-image
}

events_are_told_in_order() {
  timeout 20 docker events --filter container=told --format '{{.Action}}' >"$work/events" &
  sleep 0.5
  docker run --rm --name told busybox true
  eventually prints $'create\nattach\nstart\ndie\ndestroy' cat "$work/events"
  kill $!
}
