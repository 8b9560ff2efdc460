# shellcheck shell=bash
# Life of the .deb in a Debian system: each check goes on from where the one before it left the system.

_in() { timeout --foreground 60 chroot "$chroot" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
_dpkg() { _in DEBIAN_FRONTEND=noninteractive dpkg "$@"; }
_tsoci() { _in tsoci "$@"; }
_status() { _tsoci state "$1" | jq --raw-output .status; }

# What the system consists of: names of files, with those that systemd, dpkg, tsoci and alternatives keep.
_files() {
  (cd "$chroot" && find . ./run -xdev -not -path './var/log/*' -not -name '*-old' -not -path './debs/*' -not -path './run/systemctl*' | sort -u)
}

# A systemctl that writes down what it is asked, and says of a unit that it runs if the check says so.
_record_systemctl() {
  mkdir -p "$chroot/run/systemd/system"
  cat >"$chroot/usr/local/bin/systemctl" <<'EOF'
#!/bin/sh
echo "$*" >>/run/systemctl.log
case "$*" in
  *is-active*) grep -qs tsoci.service /run/systemctl.active ;;
  *is-enabled*tsoci.service*) echo static ;;
  *is-enabled*) [ -e /etc/systemd/system/sockets.target.wants/tsoci.socket ] && echo enabled || { echo disabled; exit 1; } ;;
esac
EOF
  chmod +x "$chroot/usr/local/bin/systemctl"
  : >"$chroot/run/systemctl.log"
}

# A bundle whose process lasts.
_bundle() {
  mkdir -p "$chroot/bundle/rootfs/bin"
  [[ -e $chroot/bundle/rootfs/bin/busybox ]] || cp "$(type -P busybox)" "$chroot/bundle/rootfs/bin/busybox"
  _in sh -c 'cd /bundle && rm -f config.json && tsoci spec --arg /bin/busybox --arg sleep --arg 600'
  jq --arg path "/$suite_id-$1" '.linux.cgroupsPath = $path | .process.terminal = false' \
    "$chroot/bundle/config.json" >"$work/config.json"
  cp "$work/config.json" "$chroot/bundle/config.json"
}
_create() {
  _bundle "$1"
  _tsoci create --bundle /bundle "$1" >/dev/null 2>&1 </dev/null
}
_pid() { _tsoci state "$1" | jq .pid; }
_gone() { _tsoci kill "$1" KILL && eventually _is_stopped "$1" && _tsoci delete "$1"; }
_is_stopped() { [[ $(_status "$1") == stopped ]]; }

installed_it_runs_a_container_and_enables_nothing() {
  mkdir -p "$chroot/bundle"
  _record_systemctl
  _files >"$work/files-before"
  _dpkg --install /debs/old.deb
  matches '^tsoci version 0\.0\.9' "$(_tsoci --version)"
  prints 'install ok installed' _in dpkg-query --show --showformat '${Status}' tsoci
  prints '' _in dpkg --verify tsoci
  prints '' find "$chroot/etc/systemd" "$chroot/var/lib/systemd" -name tsoci.socket -o -name tsoci.service
  refuses grep -E '^(.* )?(start|restart|enable) ' "$chroot/run/systemctl.log"
  _bundle once
  jq '.process.args = ["/bin/busybox", "echo", "hello"]' "$work/config.json" >"$chroot/bundle/config.json"
  prints hello _tsoci run --bundle /bundle once
}

units_are_where_systemd_looks_and_are_sound() {
  local units=$chroot/lib/systemd/system
  grep --quiet --line-regexp 'ExecStart=/usr/bin/tsoci serve.*' "$units/tsoci.service"
  [[ -e /lib/systemd/system/sysinit.target ]] && type -P systemd-analyze >/dev/null || skip 'systemd is not installed'
  mkdir "$work/units"
  cp "$units/tsoci.socket" "$work/units/"
  sed "s,=/usr/bin/tsoci,=$runtime," "$units/tsoci.service" >"$work/units/tsoci.service" # not installed on this host
  prints '' eval 'systemd-analyze verify --man=no "$work"/units/* 2>&1'
}

upgraded_it_handles_containers_of_the_old_version() {
  _create web
  _tsoci start web
  _create waiting
  local pid
  pid=$(_pid web)
  _in setsid tsoci serve >/dev/null 2>&1 </dev/null &
  local server=$!
  eventually test -S "$chroot/run/tsoci-serve/socket"
  equal running "$(_status web)"
  echo tsoci.service >"$chroot/run/systemctl.active"
  : >"$chroot/run/systemctl.log"
  _dpkg --install /debs/new.deb
  matches "^tsoci version $version" "$(_tsoci --version)"
  # The server of the old build runs still, and harms nobody; systemd is told to start it anew.
  matches '(^|[[:space:]])restart .*tsoci\.service' "$(<"$chroot/run/systemctl.log")"
  equal running "$(_status web)"
  equal "$pid" "$(_pid web)"
  prints inside _tsoci exec web /bin/busybox echo inside
  kill "$server" || true
  wait "$server" || true
  kill -0 "$pid"
  _tsoci start waiting
  equal running "$(_status waiting)"
  _gone waiting
  _gone web
  refuses kill -0 "$pid"
}

a_socket_that_is_enabled_stays_so_when_upgraded() {
  local link=$chroot/etc/systemd/system/sockets.target.wants/tsoci.socket # as systemctl enable makes it
  mkdir -p "$(dirname "$link")"
  ln -s /lib/systemd/system/tsoci.socket "$link"
  _dpkg --install /debs/old.deb
  _dpkg --install /debs/new.deb
  test -L "$link"
}

removed_it_tells_of_running_containers_and_leaves_them() {
  _create left
  _tsoci start left
  local pid
  pid=$(_pid left)
  matches 'containers go on .*: left' "$(_dpkg --remove tsoci 2>&1)"
  kill -0 "$pid"
  refuses test -e "$chroot/usr/bin/tsoci"
  matches 'stop .*tsoci\.socket|stop .*tsoci\.service' "$(<"$chroot/run/systemctl.log")"
  _dpkg --install /debs/new.deb
  equal "$pid" "$(_pid left)"
  _gone left
}

purged_it_leaves_nothing() {
  _dpkg --purge tsoci
  rm -rf "$chroot/bundle/rootfs" "$chroot/bundle/config.json"
  _files >"$work/files-after"
  diff "$work/files-before" "$work/files-after"
}
