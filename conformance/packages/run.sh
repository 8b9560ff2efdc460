#!/usr/bin/env bash
# Packages as they are made and as they are used: see docs/packaging.md. Options and report are those of the engines' suites.
source "$(dirname "$0")/../engines/lib.sh"
source "$engines/containers-conf.sh"
needs git npm dpkg-deb dh lintian rpm rpmbuild rpmlint mmdebstrap skopeo podman conmon jq python3
packages_suite=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$packages_suite/../.." && pwd)

# Makes, with the network that the sandbox has not:
#   $home/one, $home/another/place  clones of what is committed, with packages of the same version in dist/packages
#   $home/foreign                   packages for other machines
#   $home/old                       the .deb of a lower version
#   $home/chroot                    a Debian system
prepare() {
  local other=$home/another/place
  clone "$home/one" && make_packages "$home/one" &&
    clone "$other" && (umask 077 && TZ=Asia/Tokyo LANG=C HOME=$home make_packages "$other") &&
    (cd "$home/one" && node scripts/package.ts --target linux-arm64 --output "$home/foreign" &&
      node scripts/package.ts --target linux-x64-musl --format tar --output "$home/foreign") &&
    sed -i 's/"version": "[^"]*"/"version": "0.0.9"/' "$other/package.json" &&
    (cd "$other" && node scripts/package.ts --format deb --output "$home/old") &&
    mmdebstrap --quiet --variant=essential --include=libseccomp2 "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
      "$home/chroot" - < <(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null)
}

clone() {
  git clone --quiet "$repository" "$1" && mkdir -p "$1/build" "$repository/build/packages" &&
    ln -s "$repository/node_modules" "$1/node_modules" && ln -s "$repository/build/packages" "$1/build/packages"
}

make_packages() {
  (cd "$1" && node scripts/package.ts && node scripts/package.ts --image)
}

export PATH=$repository/node_modules/.bin:$PATH
if [[ -z ${SUITE_WORK-} ]]; then
  mkdir -p "$repository/build"
  home=$(mktemp -d "$repository/build/packages-XXXXXX") || exit 2
  export home
  trap 'rm -rf --one-file-system "$home"' EXIT
  prepare >"$home/log" 2>&1 </dev/null || { cat "$home/log"; echo 'not made: the packages, or a system to install them in'; exit 1; }
fi
begin "$@"

version=$(jq --raw-output .version "$repository/package.json")
new=$home/one/dist/packages foreign=$home/foreign old=$home/old
run_checks "$packages_suite/made.sh"
furnish_chroot() {
  chroot=$home/chroot
  mount --bind "$chroot" "$chroot"
  mount -t proc proc "$chroot/proc"
  mount --rbind /sys "$chroot/sys"
  mount --rbind /dev "$chroot/dev"
  mount -t tmpfs tmpfs "$chroot/run"
  mkdir "$chroot/debs"
  mount -t tmpfs tmpfs "$chroot/debs"
  cp "$old"/*.deb "$chroot/debs/old.deb"
  cp "$new"/*.deb "$chroot/debs/new.deb"
}
furnish_chroot || exit 2
run_checks "$packages_suite/debian.sh"
run_checks "$packages_suite/image.sh"
finish
