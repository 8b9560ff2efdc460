# shellcheck shell=bash
# One small image, made by hand since nothing can be pulled: busybox, with an applet link for each command.

# make_rootfs DIRECTORY
make_rootfs() {
  local busybox applet
  busybox=$(type -P busybox) || return
  mkdir -p "$1"/{bin,dev,etc,proc,root,sys,tmp,home/app}
  cp "$busybox" "$1/bin/busybox"
  for applet in $("$busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$1/bin/$applet"
  done
  printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'app:x:1000:1000:app:/home/app:/bin/sh' >"$1/etc/passwd"
  printf '%s\n' 'root:x:0:' 'app:x:1000:' 'extra:x:2000:app' >"$1/etc/group"
  echo 'not a program' >"$1/etc/not-executable"
  chown 1000:1000 "$1/home/app"
  chmod 1777 "$1/tmp"
}

# make_oci_archive ROOTFS NAME [USER [COMMAND...]]: an OCI image layout (image-layout.md) as a tar on standard output.
make_oci_archive() {
  local layout layer config manifest
  (($# > 3)) || set -- "$1" "$2" "${3-}" /bin/sh
  layout=$(mktemp -d)
  mkdir -p "$layout/blobs/sha256"
  layer=$(tar --directory "$1" --create . | add_blob "$layout")
  config=$(jq --null-input --compact-output --arg layer "sha256:$layer" --arg architecture "$(architecture)" \
    --arg user "${3-}" '{
    architecture: $architecture, os: "linux",
    config: { Cmd: $ARGS.positional, Env: ["PATH=/bin"], User: $user },
    rootfs: { type: "layers", diff_ids: [$layer] }
  }' --args -- "${@:4}" | add_blob "$layout")
  manifest=$(jq --null-input --compact-output --argjson config "$(descriptor "$layout" config "$config")" \
    --argjson layer "$(descriptor "$layout" layer "$layer")" \
    '{ schemaVersion: 2, config: $config, layers: [$layer] }' | add_blob "$layout")
  descriptor "$layout" manifest "$manifest" | jq --arg name "$2" '{ schemaVersion: 2, manifests: [
    . + { annotations: { "io.containerd.image.name": $name, "org.opencontainers.image.ref.name": $name } }
  ] }' >"$layout/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  tar --directory "$layout" --create .
  rm -r "$layout"
}

# The name that images have for that of this machine.
architecture() {
  case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac
}

# add_blob LAYOUT < content: prints its digest.
add_blob() {
  local blob digest
  blob=$(mktemp -p "$1")
  cat >"$blob"
  digest=$(sha256sum "$blob" | cut -d ' ' -f 1)
  mv "$blob" "$1/blobs/sha256/$digest"
  echo "$digest"
}

# descriptor LAYOUT KIND DIGEST
descriptor() {
  local type
  case $2 in
    config) type=application/vnd.oci.image.config.v1+json ;;
    layer) type=application/vnd.oci.image.layer.v1.tar ;;
    manifest) type=application/vnd.oci.image.manifest.v1+json ;;
  esac
  jq --null-input --arg type "$type" --arg digest "sha256:$3" --argjson size "$(stat -c %s "$1/blobs/sha256/$3")" \
    '{ mediaType: $type, digest: $digest, size: $size }'
}
