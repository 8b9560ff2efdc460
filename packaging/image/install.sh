#!/bin/busybox sh
# Installs tsoci on the node whose root directory is mounted at $HOST, below $PREFIX there, or removes it.
#
#   install.sh [install|stay|uninstall]
#
# stay installs, and then waits until it is told to end: the container of a DaemonSet.
set -eu
: "${HOST:=/host}" "${PREFIX:=/usr/local}"
# The launcher comes last: once it is there, all that it needs is.
files='share/doc/tsoci/copyright libexec/tsoci/tsoci.node libexec/tsoci/tsoci-runtime bin/tsoci'

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

# A file is put in its place whole, also where the old one is being executed.
install() {
  for file in $files; do
    target=$HOST$PREFIX/$file
    mkdir -p "${target%/*}"
    cp "/opt/tsoci/$file" "$target.next"
    mv -f "$target.next" "$target"
  done
  # With the node's own libraries.
  version=$(chroot "$HOST" "$PREFIX/bin/tsoci" --version) || fail "$PREFIX/bin/tsoci does not run on this node"
  echo "installed in $PREFIX: $version"
}

uninstall() {
  for file in $files; do rm -f "$HOST$PREFIX/$file"; done
  rmdir "$HOST$PREFIX/libexec/tsoci" "$HOST$PREFIX/share/doc/tsoci" 2>/dev/null || true
}

[ -d "$HOST/etc" ] || fail "$HOST is not the root directory of a node: mount it there"
case ${1-install} in
  install) install ;;
  stay)
    install
    trap 'exit 0' TERM INT
    while :; do
      sleep 3600 &
      wait $!
    done
    ;;
  uninstall) uninstall ;;
  *) fail "what is \"$1\"? install, stay or uninstall" ;;
esac
