#!/usr/bin/env bash
# buildah run and buildah build, which call the runtime themselves (no conmon). See README.md.
source "$(dirname "$0")/lib.sh"
source "$engines/image.sh"
source "$engines/containers-conf.sh"
needs buildah busybox jq script
begin "$@"

private_containers_conf
export BUILDAH_ISOLATION=oci BUILDAH_RUNTIME=$runtime
cat >"$work/bin/buildah" <<EOF
#!/bin/sh
case \$1 in
  run|build) command=\$1; shift; set -- "\$command" --network \${NETWORK:-none} "\$@" ;;
esac
exec timeout --foreground --kill-after 5 120 $(type -P buildah) "\$@"
EOF
chmod +x "$work/bin/buildah"

make_rootfs "$work/rootfs"
base=$(buildah from scratch)
buildah add --quiet "$base" "$work/rootfs" / >/dev/null
buildah config --env PATH=/bin --cmd /bin/sh "$base"
buildah commit --quiet --rm "$base" localhost/busybox >/dev/null || exit 2

"$engines/leaks.sh" snapshot >"$work/before"
run_checks "$engines/buildah/run.sh"
buildah rm --all >/dev/null
leaks="/buildah-buildah" # /buildah-buildahNUMBER, in the root: others on this host may have such, too
only='' run_checks "$engines/after.sh"
finish
