# shellcheck shell=bash
# Many containers at once, while what holds them is killed: by ctr, which does no more than containerd's own work.

# _lives ID: a whole life. Whatever of it is killed may fail.
_lives() {
  ctr run --detach --snapshotter "$snapshotter" --runc-binary "$work/bin/$handler-of-cri" "$REGISTRY/load:latest" "$1" sleep 1009 &&
    ctr tasks exec --exec-id look "$1" true &&
    ctr tasks kill --signal SIGKILL "$1" && ctr tasks delete --force "$1" && ctr containers delete "$1"
}

# _lane NUMBER: 20 of them, one after another, none while containerd is down.
_lane() {
  local n
  for n in {1..20}; do
    eventually test -e "$work/containerd.pid"
    echo >>"$work/begun"
    ! _lives "load-$1-$n" || echo >>"$work/whole"
  done
}

_lines() { wc -l <"$work/$1"; }

# _kills_shims: the newest one for every five containers begun, which may be at any step of a container's life. What
# containerd starts to clean up after a killed one has "delete" for its last argument: nobody would do its work.
_kills_shims() {
  local n
  for n in {5..195..5}; do
    while (($(_lines begun) < n)); do sleep 0.1; done
    ! pkill -KILL --newest --full "containerd-shim-runc-v2 -namespace load .* $CONTAINERD_ADDRESS\$" || echo >>"$work/killed"
  done
}

# _swept: what the killed left is deleted by containerd. A shim that it had only begun to start when it was killed is one
# that it does not know, with any runtime: it holds no container.
_swept() {
  local id
  for id in $(ctr containers list --quiet); do
    ctr tasks delete --force "$id"
    ctr containers delete "$id"
  done
  [[ -z $(ctr containers list --quiet)$(ctr tasks list --quiet) ]] || return
  for id in $(pgrep --full 'containerd-shim-runc-v2 -namespace load'); do
    pgrep --parent "$id" || kill "$id"
  done
}

_leaves_nothing() {
  "$engines/leaks.sh" compare "$work/idle" \
    "^mount |^process .*(containerd-shim-runc-v2|sleep 1009|[^/]$runtime )|/$suite_id/load/" &&
    prints '' find /run/containerd/{runc,io.containerd.runtime.v2.task}/load "$work/containerd/io.containerd.runtime.v2.task/load" \
      -mindepth 1 -maxdepth 1 -not -name '~*'
}

two_hundred_containers_with_killed_shims_and_a_killed_containerd_leave_nothing() {
  export CONTAINERD_NAMESPACE=load
  : >"$work/begun" >"$work/whole" >"$work/killed"
  import load load:latest
  "$engines/leaks.sh" snapshot >"$work/idle"
  local lane n shims lanes=()
  for lane in {1..10}; do
    _lane "$lane" &
    lanes+=($!)
  done
  _kills_shims &
  shims=$!
  for n in 70 140; do
    while (($(_lines begun) < n)); do sleep 0.1; done
    end_containerd KILL
    start_containerd
  done
  wait "${lanes[@]}" "$shims" || true
  echo "$(_lines whole) of 200 lived a whole life, $(_lines killed) shims were killed"
  (($(_lines killed) > 5 && $(_lines whole) > 100))
  eventually _swept || _swept
  eventually _leaves_nothing || _leaves_nothing # which says what is left
}
