# shellcheck shell=bash
# ctr containers checkpoint and restore, as the runtime's checkpoint and restore, by CRIU.

_needs_criu() {
  criu check >/dev/null 2>&1 || skip 'no criu that knows this kernel is installed'
}

_counted() { ctr tasks exec --exec-id "look-$RANDOM" "$1" cat /tmp/count; }
_is_beyond() { (($(_counted "$1") > $2)); }

checkpoint_and_restore_go_on_where_it_was() {
  _needs_criu
  run counting --detach -- sh -c 'i=0; while :; do echo $i >/tmp/next; mv /tmp/next /tmp/count; i=$((i+1)); sleep 0.1; done'
  eventually _is_beyond counting 3
  ctr containers checkpoint --rw --image --task counting checkpoints/counting
  local before
  before=$(_counted counting)
  eventually _is_beyond counting "$before"
  remove counting
  ctr containers restore --rw --live counting checkpoints/counting
  before=$(_counted counting)
  eventually _is_beyond counting "$before"
  remove counting
}
