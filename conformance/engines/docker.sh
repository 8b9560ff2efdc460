#!/usr/bin/env bash
# docker (dockerd, with a containerd of its own) with the runtime under test. See README.md.
source "$(dirname "$0")/lib.sh"
source "$engines/image.sh"
needs dockerd docker containerd containerd-shim-runc-v2 busybox jq script
begin "$@"
chmod 711 "$work" # for the users of a user namespace

client=$(dirname "$(type -P dockerd)")/../bin/docker # the client that came with the daemon
[[ -x $client ]] || client=$(type -P docker)
cat >"$work/bin/docker" <<EOF
#!/bin/sh
exec timeout --foreground --kill-after 5 $ENGINE_TIMEOUT $client "\$@"
EOF
chmod +x "$work/bin/docker"
ln -s "$runtime" "$work/bin/runc" # BuildKit calls the runtime by this name

# daemon NAME [OPTION...]: a dockerd whose data are in $work/NAME, and its sockets and state in the sandbox's /run.
# Its process is $daemon, and docker commands go to it.
daemon() {
  export DOCKER_HOST=unix:///run/$1.sock
  dockerd --host "$DOCKER_HOST" --pidfile "/run/$1.pid" --data-root "$work/$1" --exec-root "/run/$1" \
    --storage-driver vfs --bridge none --iptables=false --ip-forward=false --oom-score-adjust 0 --log-level warn \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$suite_id" \
    --add-runtime "tested=$runtime" --default-runtime tested "${@:2}" >>"$work/$1.log" 2>&1 &
  daemon=$!
  eventually docker version || { tail -n 20 "$work/$1.log"; return 2; }
}

# end_daemon [SIGNAL]: ends dockerd and, whichever way, its containerd, which the next dockerd would take for alive.
end_daemon() {
  kill -s "${1-TERM}" "$daemon"
  wait "$daemon" || true
  eventually refuses pgrep -x containerd --parent "$daemon",1
}

import_busybox() {
  tar --directory "$work/rootfs" --create . | docker import --change 'ENV PATH=/bin' - busybox >/dev/null
}

# start NAME [OPTION...]: a container with nothing to do.
start() { docker run --detach --name "$1" "${@:2}" busybox sleep 1000 >/dev/null; }
remove() { docker rm --force "$@" >/dev/null; }
field() { docker inspect --format "{{$2}}" "$1"; }

# A reason to skip.
readonly RUNC_WANTS_ALL='runc gives all capabilities that are asked for or fails, and CAP_SYS_RESOURCE is not to be had'

make_rootfs "$work/rootfs"
"$engines/leaks.sh" snapshot >"$work/before"
daemon docker || exit 2
import_busybox || exit 2
for file in "$engines"/docker/*.sh; do run_checks "$file"; done
docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null
end_daemon
umount /run/docker/netns/default "$work/other" 2>/dev/null # dockerd leaves them mounted for the next
leaks="/$suite_id/[0-9a-f]{64}"
only='' run_checks "$engines/after.sh"
finish
