# shellcheck shell=bash
# The image for nodes, pulled and run by podman with tsoci; the node is the Debian system of debian.sh.

_image() { echo "$new"/*.oci; }
_podman() {
  private_containers_conf
  timeout --foreground 120 podman "$@"
}
# _on_node NODE ARGUMENT... runs the image's container there.
_on_node() {
  local node=$1
  shift
  _podman run --rm --network none --cgroups disabled --volume "$node:/host:rslave" "$(_podman images --quiet | head -n 1)" "$@"
}

tools_read_the_layout() {
  prints amd64 skopeo inspect --format '{{.Architecture}}' "oci:$(_image)"
  prints "$version" skopeo inspect --format '{{index .Labels "org.opencontainers.image.version"}}' "oci:$(_image):$version"
  local blob
  for blob in "$(_image)"/blobs/sha256/*; do equal "$(basename "$blob")" "$(sha256sum <"$blob" | cut -d ' ' -f 1)"; done
}

its_container_installs_tsoci_on_a_node_and_takes_it_away() {
  skopeo copy --quiet "oci:$(_image)" "oci-archive:$work/image.tar"
  _podman load --quiet --input "$work/image.tar"
  matches "installed in /usr/local: tsoci version $version" "$(_on_node "$chroot")"
  matches "^tsoci version $version" "$(chroot "$chroot" /usr/local/bin/tsoci --version)"
  matches 'installed in' "$(_on_node "$chroot" install)"
  _on_node "$chroot" uninstall
  refuses test -e "$chroot/usr/local/bin/tsoci"
  refuses test -e "$chroot/usr/local/libexec/tsoci"
}

what_is_no_node_is_refused() {
  mkdir "$work/empty"
  matches 'is not the root directory of a node' "$(_on_node "$work/empty" 2>&1 || true)"
  matches 'what is "remove"' "$(_on_node "$chroot" remove 2>&1 || true)"
}

as_a_daemon_set_it_stays_until_it_is_told_to_end() {
  local id
  id=$(_podman run --detach --network none --cgroups disabled --volume "$chroot:/host:rslave" --env PREFIX=/opt/tsoci \
    "$(_podman images --quiet | head -n 1)" stay)
  eventually eval "_podman logs $id | grep 'installed in /opt/tsoci: tsoci version $version'"
  prints running _podman inspect --format '{{.State.Status}}' "$id"
  _podman stop --time 20 "$id"
  prints 0 _podman inspect --format '{{.State.ExitCode}}' "$id"
  test -x "$chroot/opt/tsoci/bin/tsoci"
}
