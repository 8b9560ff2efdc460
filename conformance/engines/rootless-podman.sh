#!/usr/bin/env bash
# podman of an ordinary user, a second, real user of this machine, with the runtime under test. See README.md.
source "$(dirname "$0")/lib.sh"
source "$engines/image.sh"
source "$engines/podman-image.sh"
source "$engines/containers-conf.sh"
needs podman conmon busybox newuidmap newgidmap setpriv
begin "$@"

mount --make-rshared / # podman warns otherwise
user=tsocitest
id "$user" >/dev/null 2>&1 || useradd --create-home --user-group "$user" || exit 2
grep -q "^$user:" /etc/subuid && grep -q "^$user:" /etc/subgid || skip_suite "$user has no subordinate ids (subuid(5))"
setpriv --reuid "$user" --regid "$user" --clear-groups test -x "$runtime" || skip_suite "$user cannot reach $runtime"

runtime_name=$(basename "$runtime")
chmod 711 "$work"
mkdir "$work/home" "$work/xdg"
chown "$user:$user" "$work/home" "$work/xdg"
containers_conf "$MODEST_LIMITS" 0 >"$work/containers.conf"
cat >"$work/bin/podman" <<EOF
#!/bin/sh
cd "$work/home"
exec setpriv --reuid "$user" --regid "$user" --clear-groups \\
  env --ignore-environment HOME="$work/home" USER="$user" XDG_RUNTIME_DIR="$work/xdg" PATH="$PATH:/usr/sbin" TERM=xterm \\
  CONTAINERS_CONF="$work/containers.conf" \\
  timeout --foreground --kill-after 5 $ENGINE_TIMEOUT $(type -P podman) --storage-driver vfs "\$@"
EOF
chmod +x "$work/bin/podman"

import_busybox || exit 2

"$engines/leaks.sh" snapshot >"$work/before"
for file in "$engines"/rootless-podman/*.sh; do run_checks "$file"; done
podman rm --all --force --time 0 >/dev/null
leaks="libpod-[0-9a-f]*\$"
only='' run_checks "$engines/after.sh"
finish
