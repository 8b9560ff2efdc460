#!/usr/bin/env bash
# podman (through conmon) with the runtime under test. See README.md.
source "$(dirname "$0")/lib.sh"
source "$engines/image.sh"
source "$engines/podman-image.sh"
source "$engines/containers-conf.sh"
needs podman conmon busybox jq script
begin "$@"

private_containers_conf
cat >"$work/bin/podman" <<EOF
#!/bin/sh
case "\$1 \$2" in
  'run --cgroups=disabled') ;;
  run\ *|create\ *) command=\$1; shift; set -- "\$command" --cgroup-parent="/$suite_id" "\$@" ;;
  'pod create') shift 2; set -- pod create --cgroup-parent="/$suite_id" "\$@" ;;
esac
exec timeout --foreground --kill-after 5 $ENGINE_TIMEOUT $(type -P podman) "\$@"
EOF
chmod +x "$work/bin/podman"

import_busybox || exit 2

"$engines/leaks.sh" snapshot >"$work/before"
for file in "$engines"/podman/*.sh; do run_checks "$file"; done
podman pod rm --all --force --time 0 >/dev/null
podman rm --all --force --time 0 >/dev/null
leaks="/$suite_id/.*libpod-[0-9a-f]*\$" # the other cgroups are podman's own: of pods and of conmon
only='' run_checks "$engines/after.sh"
finish
