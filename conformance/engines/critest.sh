# shellcheck shell=bash
# critest: each of its specs is a check. It passes if the spec does, is skipped if runc does not pass it either, and fails
# otherwise.

check_critest() {
  local name spec state baseline reason
  [[ critest =~ $only ]] || return 0
  if ! type -P docker-registry >/dev/null; then
    report critest 0 'docker-registry is not installed, from which it would pull its images'
    return
  fi
  start_registry
  publish_images || exit 2
  for name in "${handlers[@]}"; do
    critest "$name" || true # for the specs that failed
    specs "$name" >"$work/$name.specs" || { tail -n 20 "$work/$name.critest"; failed=$((failed + 1)); return; }
  done
  while IFS=$'\t' read -r state baseline spec reason; do
    : >"$work/output"
    case "$state $baseline" in
      passed\ *) reason='' ;;
      failed\ failed) reason='runc fails it, too' ;;
      *\ passed)
        reason=$(unless_hybrid "$spec")
        jq --raw-output --arg name "$spec" '.[$name].output' "$work/$handler.specs" >"$work/output"
        ;;
    esac
    [[ $state == "$baseline" ]] || echo "# $handler: $state, runc: $baseline"
    report "critest: $spec" "$([[ $state == passed ]]; echo $?)" "$reason"
  done < <(jq --raw-output --slurp '.[0] as $own | .[1][] | ($own[.name] // { state: "missing" }) as $one |
    [$one.state, .state, .name, ($one.reason // "" | gsub("\\s+"; " "))] | @tsv' "$work/$handler.specs" "$work/runc.specs")
  kill "$registry"
}

# critest HANDLER: Ginkgo's report is in $work/HANDLER.json. A spec that fails is tried once more.
critest() {
  local skip=()
  [[ $change != *resources* ]] || skip=(--ginkgo.skip 'Container OOM') # without a limit it waits for long
  "$go_tools/critest" --config "$work/crictl.yaml" --runtime-endpoint "unix://$CONTAINERD_ADDRESS" \
    --runtime-handler "$1" --parallel 4 --ginkgo.flake-attempts 2 "${skip[@]}" --ginkgo.json-report "$work/$1.json" \
    >"$work/$1.critest" 2>&1
}

# specs HANDLER: what came of each that was to run, by its name.
specs() {
  jq '[.[].SpecReports[] | select(.LeafNodeType == "It") | {
    name: (.ContainerHierarchyTexts + [.LeafNodeText] | join(" ") | ltrimstr("[k8s.io] ")),
    state: .State, reason: .Failure.Message, output: "\(.Failure.Message)\n\(.CapturedGinkgoWriterOutput)"
  } | select(.reason or .state != "skipped")] | INDEX(.name)' "$work/$1.json"
}

# unless_hybrid SPEC: why it can fail on a hybrid host, where containerd reads of a cgroup what v1 knows.
unless_hybrid() {
  [[ $1 != *'listing pod sandbox metrics'* ]] || has_controller pids ||
    echo 'the pids controller is not one of cgroup v2 here'
}
