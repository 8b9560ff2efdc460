# shellcheck shell=bash
# The packages themselves.

made_twice_in_different_places_they_are_the_same_bytes() {
  diff --recursive --brief "$new" "$home/another/place/dist/packages"
  ls "$new"/*.deb "$new"/*.rpm "$new"/*.tar.gz "$new"/*.cdx.json "$new"/*.oci/index.json
}

packages_for_other_machines_say_so_and_have_their_programs() {
  prints arm64 dpkg-deb --field "$foreign"/*.deb Architecture
  prints aarch64 rpm --query --package --queryformat '%{ARCH}' --nosignature "$foreign"/*.rpm
  local target program machine
  for target in linux-arm64:AArch64 linux-x64-musl:X86-64; do
    mkdir "$work/${target%:*}"
    tar --extract --file "$foreign/tsoci-$version-${target%:*}.tar.gz" --directory "$work/${target%:*}" --strip-components 1
    for program in bin/tsoci libexec/tsoci/tsoci-runtime libexec/tsoci/tsoci.node; do
      machine=$(readelf --file-header "$work/${target%:*}/$program" | sed -n 's/ *Machine: *//p')
      matches "${target#*:}" "$machine"
    done
  done
  grep --quiet 'musl 1.2.5 or later, a libstdc++' "$work/linux-x64-musl/share/doc/tsoci/README"
  matches 'libstdc\+\+\.so\.6.*libc\.musl|libc\.musl.*libstdc\+\+' \
    "$(readelf --dynamic "$work/linux-x64-musl/libexec/tsoci/tsoci-runtime" | grep NEEDED | tr '\n' ' ')"
}

checksums_are_those_of_the_files() {
  (cd "$new" && sha256sum --check --strict SHA256SUMS)
  equal "$(cd "$new" && find . -maxdepth 1 -type f ! -name SHA256SUMS | sort)" "$(sed 's/.*  /.\//' "$new/SHA256SUMS" | sort)"
}

lintian_has_no_error_and_no_warning() {
  lintian --allow-root --fail-on error,warning "$new"/*.deb "$foreign"/*.deb
}

rpmlint_has_no_error_and_no_warning() {
  prints 1 eval "rpmlint --config '$repository/packaging/rpm/rpmlint.toml' '$new'/*.rpm '$foreign'/*.rpm | grep -c ' 0 errors, 0 warnings,'"
}

deb_and_rpm_have_the_same_files() {
  # But for where this Debian has units, what dpkg's tools pack, and what is for Debian alone.
  dpkg-deb --contents "$new"/*.deb | awk '/^-/ { print $6 }' |
    sed 's,^\./,/,; s,^/lib/,/usr/lib/,; s/\.gz$//; /changelog\.Debian/d; /lintian/d' | sort >"$work/deb"
  rpm --query --package --queryformat '[%{FILENAMES} %{FILEMODES:perms}\n]' --nosignature "$new"/*.rpm |
    awk '$2 ~ /^-/ { print $1 }' | sed 's/\.gz$//' | sort >"$work/rpm"
  diff "$work/deb" "$work/rpm"
}

an_rpm_installs_runs_and_goes() {
  mkdir "$work/rpm-root"
  local rpm=(rpm --root "$work/rpm-root" --nosignature --nodeps --noscripts)
  "${rpm[@]}" --install "$new"/*.rpm
  matches "^tsoci version $version" "$("$work/rpm-root/usr/bin/tsoci" --version)"
  prints '' "${rpm[@]}" --verify tsoci
  "${rpm[@]}" --erase tsoci
  prints '' find "$work/rpm-root" -name '*tsoci*'
}

an_rpm_asks_for_what_its_programs_need() {
  local requires
  requires=$(rpm --query --package --requires --nosignature "$new"/*.rpm)
  matches 'libc.so.6\(GLIBC_2.17\)' "$requires"
  prints libseccomp rpm --query --package --recommends --nosignature "$new"/*.rpm
}

the_tarball_runs_from_where_it_is_laid() {
  mkdir "$work/tarball"
  tar --extract --file "$new"/*.tar.gz --directory "$work/tarball" --strip-components 1
  matches "^tsoci version $version" "$("$work/tarball/bin/tsoci" --version)"
  local page
  for page in "$work"/tarball/share/man/man8/*.8; do grep --quiet '^.SH EXIT STATUS$' "$page"; done
}

the_bill_of_materials_is_of_these_files() {
  mkdir "$work/bill"
  tar --extract --file "$new"/*.tar.gz --directory "$work/bill" --strip-components 1
  jq --raw-output '.metadata.component.components[] | "\(.hashes[0].content)  \(.name)"' "$new"/*.cdx.json |
    (cd "$work/bill" && cp libexec/tsoci/* bin/tsoci . && sha256sum --check --strict)
  jq --exit-status '[.components[] | select(.name | startswith("@oven/bun")) | .components[].name] | index("BoringSSL")' "$new"/*.cdx.json
}

examples_of_settings_are_well_formed() {
  mkdir "$work/examples"
  tar --extract --file "$new"/*.tar.gz --directory "$work/examples" --strip-components 1
  local examples=$work/examples/share/doc/tsoci/examples
  jq --exit-status '.runtimes.tsoci.path == "/usr/local/bin/tsoci"' "$examples/docker/daemon.json"
  python3 -c 'import sys, tomllib; [tomllib.load(open(name, "rb")) for name in sys.argv[1:]]' \
    "$examples"/podman/*.conf "$examples"/containerd/*.toml "$examples"/cri-o/*.conf
}

podman_reads_its_example() {
  mkdir "$work/podman"
  tar --extract --file "$new"/*.tar.gz --directory "$work/podman" --strip-components 1
  local directory=/etc/containers/containers.conf.d
  mkdir -p "$directory"
  mount -t tmpfs tmpfs "$directory" # in the mount namespace of the suite
  sed "s,/usr/local/bin/tsoci,$runtime," "$work"/podman/share/doc/tsoci/examples/podman/50-tsoci.conf >"$directory/50-tsoci.conf"
  prints "tsoci $runtime" podman --root "$work/storage" --runroot "$work/runroot" --storage-driver vfs --runtime tsoci \
    info --format '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}'
  umount "$directory"
}
