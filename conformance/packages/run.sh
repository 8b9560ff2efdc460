#!/usr/bin/env bash
# Packages as they are made and as they are used: see docs/packaging.md. Options and report are those of the engines' suites.
source "$(dirname "$0")/../engines/lib.sh"
source "$engines/containers-conf.sh"
needs git npm dpkg-deb dh lintian rpm rpmbuild rpmlint mmdebstrap skopeo podman conmon containerd jq python3 pip3
packages_suite=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$packages_suite/../.." && pwd)

# Makes, with the network that the sandbox has not:
#   $home/one, $home/another/place  clones of what is committed, with packages of the same version in dist/packages
#   $home/foreign                   packages for other machines
#   $home/old                       the .deb of a lower version
#   $home/chroot                    a Debian system
#   $home/musl                      one of musl and busybox
#   $home/python                    what knows the objects of Kubernetes
make_all() {
  local other=$home/another/place
  clone "$home/one" && make_packages "$home/one" &&
    clone "$other" && (umask 077 && TZ=Asia/Tokyo LANG=C HOME=$home make_packages "$other") &&
    (cd "$home/one" && node scripts/package.ts --target linux-arm64 --output "$home/foreign" &&
      node scripts/package.ts --target linux-x64-musl --format tar --output "$home/foreign") &&
    sed -i 's/"version": "[^"]*"/"version": "0.0.9"/' "$other/package.json" &&
    (cd "$other" && node scripts/package.ts --format deb --output "$home/old") &&
    mmdebstrap --quiet --variant=essential --include=libseccomp2 "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
      "$home/chroot" - < <(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null) &&
    make_musl_system "$home/musl" && pip3 install --quiet --target "$home/python" kubernetes-validate==1.37.0
}

# Debian 13 has musl 1.2.5 and no libstdc++ for it: that comes from a package of Python, built on Alpine, that brings its own.
make_musl_system() {
  local wheels=$home/wheels name
  mmdebstrap --quiet --variant=extract --include=musl,busybox-static trixie "$1" &&
    pip3 download --quiet --no-deps --only-binary :all: --platform musllinux_1_2_x86_64 --python-version 3.12 \
      --dest "$wheels" greenlet==3.5.6 &&
    python3 -m zipfile --extract "$wheels"/greenlet-*.whl "$wheels" &&
    cp "$wheels"/greenlet.libs/libgcc_s-*.so.1 "$1/usr/lib" &&
    cp "$wheels"/greenlet.libs/libstdc++-*.so.6* "$1/usr/lib/libstdc++.so.6" &&
    rm -r "$1"/etc/ld-musl* && # libraries are where Alpine has them
    ln -s usr/lib "$1/lib" && ln -s usr/bin "$1/bin" && mkdir -p "$1"/{proc,sys,run,usr/local} || return
  for name in sh env; do ln -s busybox "$1/usr/bin/$name" || return; done
}

clone() {
  git clone --quiet "$repository" "$1" && mkdir -p "$1/build" "$repository/build/packages" &&
    ln -s "$repository/node_modules" "$1/node_modules" && ln -s "$repository/build/packages" "$1/build/packages"
}

make_packages() {
  (cd "$1" && node scripts/package.ts && node scripts/package.ts --image)
}

export PATH=$repository/node_modules/.bin:$PATH
prepare() {
  mkdir -p "$repository/build"
  home=$(mktemp -d "$repository/build/packages-XXXXXX") || return
  export home
  trap 'rm -rf --one-file-system "$home"' EXIT
  make_all >"$home/log" 2>&1 </dev/null ||
    { cat "$home/log"; echo 'not made: the packages, or a system to install them in'; return 1; }
}

begin "$@"

version=$(jq --raw-output .version "$repository/package.json")
new=$home/one/dist/packages foreign=$home/foreign old=$home/old
run_checks "$packages_suite/made.sh"
run_checks "$packages_suite/kubernetes.sh"
# enter DIRECTORY: the system there is the $chroot of the checks that follow.
enter() {
  chroot=$1
  mount --bind "$chroot" "$chroot"
  mount -t proc proc "$chroot/proc"
  mount --rbind /sys "$chroot/sys"
  mount --rbind /dev "$chroot/dev"
  mount -t tmpfs tmpfs "$chroot/run"
}
furnish_debian() {
  enter "$home/chroot"
  mkdir "$chroot/debs"
  mount -t tmpfs tmpfs "$chroot/debs"
  cp "$old"/*.deb "$chroot/debs/old.deb"
  cp "$new"/*.deb "$chroot/debs/new.deb"
}
furnish_debian || exit 2
run_checks "$packages_suite/debian.sh"
run_checks "$packages_suite/image.sh"
enter "$home/musl" || exit 2
run_checks "$packages_suite/musl.sh"
finish
