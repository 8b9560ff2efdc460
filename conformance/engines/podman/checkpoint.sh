# shellcheck shell=bash
# podman container checkpoint and restore, as the runtime's checkpoint and restore, by CRIU.

_needs_criu() {
  criu check >/dev/null 2>&1 || skip 'no criu that knows this kernel is installed'
}

_count() {
  local script='i=0; while :; do echo $i >/tmp/next; mv /tmp/next /tmp/count; i=$((i+1)); sleep 0.1; done'
  podman run --detach --name "$1" busybox sh -c "$script"
  eventually _is_beyond "$1" 3
}
_counted() { podman exec "$1" cat /tmp/count; }
_is_beyond() { (($(_counted "$1") > $2)); }

checkpoint_and_restore_go_on_where_it_was() {
  _needs_criu
  _count counting
  podman container checkpoint counting
  prints exited podman inspect --format '{{.State.Status}}' counting
  prints true podman inspect --format '{{.State.Checkpointed}}' counting
  podman container restore counting
  prints running podman inspect --format '{{.State.Status}}' counting
  local before
  before=$(_counted counting)
  eventually _is_beyond counting "$before"
  remove counting
}

checkpoint_that_leaves_it_running() {
  _needs_criu
  _count staying
  podman container checkpoint --leave-running --export "$work/staying.tar" staying
  local before
  before=$(_counted staying)
  eventually _is_beyond staying "$before"
  remove staying
}

checkpoint_to_a_file_and_restore_from_it_under_another_name() {
  _needs_criu
  _count leaving
  podman container checkpoint --export "$work/leaving.tar" leaving
  podman rm leaving
  podman container restore --import "$work/leaving.tar" --name coming
  local before
  before=$(_counted coming)
  eventually _is_beyond coming "$before"
  remove coming
}
