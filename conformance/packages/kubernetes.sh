# shellcheck shell=bash
# What docs/kubernetes.md has people give to a cluster and to its nodes.

manifests_are_those_that_kubernetes_knows() {
  mkdir "$work/manifests"
  # A block of code that begins with apiVersion is one.
  awk -v directory="$work/manifests" '
    /^    / { if (!inside) file = /^    apiVersion:/ ? directory "/" ++count ".yaml" : ""
              inside = 1; if (file) print substr($0, 5) >file; next }
    NF { inside = 0 }' "$repository/docs/kubernetes.md"
  prints $'DaemonSet\nRuntimeClass' eval 'sed -n "s/^kind: //p" "$work"/manifests/*.yaml | sort'
  PYTHONPATH=$home/python python3 -m kubernetes_validate --strict "$work"/manifests/*.yaml
}

containerd_reads_its_example_and_keeps_its_own_settings() {
  # Debian's, and what conformance/engines builds.
  local containerd examples=$work/examples-of-containerd plugin
  mkdir "$examples"
  tar --extract --file "$new"/*.tar.gz --directory "$examples" --strip-components 6 --wildcards '*/examples/containerd/*'
  for containerd in $(type -P containerd) "$repository"/build/go-tools/*/containerd; do
    [[ -x $containerd ]] || continue
    if "$containerd" --version | grep --quiet containerd/v2; then
      plugin=io.containerd.cri.v1.runtime
      printf 'version = 3\nimports = ["%s"]\n[plugins."%s"]\n' "$examples/tsoci-2.toml" "$plugin" >"$work/config.toml"
      echo 'max_container_log_line_size = 777' >>"$work/config.toml"
    else
      plugin=io.containerd.grpc.v1.cri
      printf 'version = 2\n[plugins."%s"]\nmax_container_log_line_size = 777\n' "$plugin" >"$work/config.toml"
      cat "$examples/tsoci-1.toml" >>"$work/config.toml"
    fi
    timeout --foreground 60 "$containerd" --config "$work/config.toml" config dump >"$work/dump"
    grep --quiet 'max_container_log_line_size = 777$' "$work/dump"
    prints 1 grep --count "plugins\\..$plugin.\\.containerd\\.runtimes\\.tsoci]" "$work/dump"
    prints 1 grep --count 'BinaryName = .*/usr/local/bin/tsoci' "$work/dump"
  done
}
