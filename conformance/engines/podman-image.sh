# shellcheck shell=bash
# What the suites of podman share: the image busybox, and containers of it.

import_busybox() {
  make_rootfs "$work/rootfs"
  tar --directory "$work/rootfs" --create . | podman import --quiet --change ENV=PATH=/bin - busybox >/dev/null
}

# start NAME [OPTION...]: a container with nothing to do.
start() { podman run --detach --name "$1" "${@:2}" busybox sleep 1000 >/dev/null; }
remove() { podman rm --force --time 0 "$@" >/dev/null; }
