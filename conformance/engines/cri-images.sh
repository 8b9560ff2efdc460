# shellcheck shell=bash
# The images of cri.sh. Each is busybox with what the specs of critest want of it: users, a web server by the name of
# nginx, a set-user-ID program. critest pulls them, from a registry on loopback that stands for all registries.

readonly REGISTRY=127.0.0.1:5000

# make_cri_rootfs DIRECTORY
make_cri_rootfs() {
  make_rootfs "$1"
  printf '%s\n' 'root:x:0:0:root:/:/bin/sh' 'www-data:x:33:33::/:/bin/sh' 'nobody:x:65534:65534::/:/bin/sh' \
    'default-user:x:1000:1000::/:/bin/sh' >"$1/etc/passwd"
  printf '%s\n' 'root:x:0:' 'www-data:x:33:' 'nogroup:x:65534:' 'default-user:x:1000:' \
    'group-defined-in-image:x:50000:default-user' >"$1/etc/group"
  mkdir -p "$1/www" "$1/var/run"
  echo welcome >"$1/www/index.html"
  # The shell stays, since its name is looked for ("nginx: master process"), and ends at once when it is told to.
  program "$1/bin/nginx" 'echo $$ >/var/run/nginx.pid' 'httpd -f -p "$1" -h /www &' \
    'trap "kill $!; exit" TERM QUIT' 'echo "httpd on port $1"' 'wait'
  program "$1/bin/pgrep" 'exec pidof "$1"'
  program "$1/bin/ipcs" "exec awk 'NR > 1 { print \$2 }' /proc/sysvipc/shm"
  install --mode 4755 "$go_tools/effective-uid" "$1/bin/effective-uid"
}

# program FILE LINE...: a shell script
program() {
  printf '%s\n' '#!/bin/sh' "${@:2}" >"$1"
  chmod +x "$1"
}

# start_registry: an empty one. containerd takes "_default" for every host that has no directory of its own.
start_registry() {
  cat >"$work/registry.yml" <<EOF
version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: "$work/registry" } }
http: { addr: "$REGISTRY" }
EOF
  docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  registry=$!
  mkdir -p "$work/hosts/_default"
  printf '%s\n' "server = \"http://$REGISTRY\"" "[host.\"http://$REGISTRY\"]" \
    'capabilities = ["pull", "resolve"]' >"$work/hosts/_default/hosts.toml"
}

# import NAMESPACE NAME [USER [COMMAND...]]: an image of the registry's name.
import() {
  make_oci_archive "$work/rootfs" "$REGISTRY/$2" "${@:3}" >"$work/image.tar" &&
    ctr --namespace "$1" images import --snapshotter "$snapshotter" "$work/image.tar" >/dev/null
}

# publish NAME [USER [COMMAND...]]: an image for the registry, by way of a namespace of containerd that nobody else uses.
publish() {
  import publish "$@" && ctr --namespace publish images push --plain-http "$REGISTRY/$1" >/dev/null
}

# The names are those of critest, without a registry's. One image that it wants by its digest cannot be made.
publish_images() {
  local image tests=k8s-staging-cri-tools
  for image in 1:latest 2:latest 3:latest latest:latest tag:test tag:all; do
    publish "$tests/test-image-$image" '' echo "$image" || return
  done
  for image in 1 2 3; do publish "$tests/test-image-tags:$image" '' echo tags || return; done
  publish "$tests/test-image-user-uid:latest" 1002 &&
    publish "$tests/test-image-user-username:latest" www-data &&
    publish "$tests/test-image-user-uid-group:latest" 1003:1004 &&
    publish "$tests/test-image-user-username-group:latest" www-data:1004 &&
    publish "$tests/test-image-predefined-group:latest" 1000 &&
    publish "$tests/hostnet-nginx-$(architecture):latest" '' nginx 12003 'master process' &&
    publish e2e-test-images/nginx:1.14-2 '' nginx 80 'master process' &&
    publish e2e-test-images/httpd:2.4.39-4 '' nginx 80 'master process' &&
    publish e2e-test-images/nonewprivs:1.3 '' effective-uid &&
    publish e2e-test-images/busybox:1.29-2 &&
    publish pause:3.9 '' sleep 1000000
}
