# shellcheck shell=bash
# Engines and clients that Debian has too old or not at all, built by the ordinary Go client from their modules.

readonly CONTAINERD=2.4.2 CRI_TOOLS=1.37.0 CNI_PLUGINS=1.10.0
readonly GO_AT_LEAST=1.26.8 # what the newest of their go.mod asks for

# build_go_tools: containerd, crictl, critest with ginkgo, CNI plugins and what an image of critest needs are in
# $go_tools, where the next run finds them.
build_go_tools() {
  go_tools=$(realpath --canonicalize-missing "$engines/../../build/go-tools/$CONTAINERD-$CRI_TOOLS-$CNI_PLUGINS")
  [[ ! -e $go_tools/complete ]] || return 0
  local version module
  version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || skip_suite "go is not installed, which builds containerd $CONTAINERD"
  printf '%s\n' "go$GO_AT_LEAST" "$version" | sort --version-sort --check=quiet ||
    skip_suite "$version is too old to build containerd $CONTAINERD, which wants $GO_AT_LEAST"
  # Without cgo, and so static: they run on a machine with another C library, too.
  export GOBIN=$go_tools GOTOOLCHAIN=local CGO_ENABLED=0
  echo "# building containerd $CONTAINERD, cri-tools $CRI_TOOLS and CNI plugins $CNI_PLUGINS in $go_tools"
  go install -ldflags=-s "github.com/containerd/containerd/v2/cmd/"{containerd,containerd-shim-runc-v2,ctr}"@v$CONTAINERD" &&
    go install -ldflags=-s "sigs.k8s.io/cri-tools/cmd/crictl@v$CRI_TOOLS" &&
    go install -ldflags=-s "github.com/containernetworking/plugins/plugins/"{main/bridge,main/loopback,ipam/host-local,meta/portmap}"@v$CNI_PLUGINS" &&
    module=$(go mod download -json "sigs.k8s.io/cri-tools@v$CRI_TOOLS" | jq --raw-output .Dir) &&
    go -C "$module" test -c -ldflags=-s -o "$go_tools/critest" ./cmd/critest &&
    go -C "$module" build -ldflags=-s -o "$go_tools/ginkgo" github.com/onsi/ginkgo/v2/ginkgo &&
    go build -ldflags=-s -o "$go_tools/effective-uid" "$engines/cri/effective-uid.go" &&
    touch "$go_tools/complete"
}
