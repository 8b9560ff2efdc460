#!/usr/bin/env bash
# The checks of limits, statistics and freezing, which want controllers that a host may keep with cgroup v1: for the
# machine of test/vm (npm run engines:vm). A check that is skipped here is a failure.
# usage: limits-in-vm.sh [ENGINE/RUNTIME...] (default: podman, containerd and docker, with tsoci and then with runc)
set -uo pipefail
engines=$(dirname "$0")
# Everything is emulated: what takes one second elsewhere takes ten.
export ENGINE_TIMEOUT=${ENGINE_TIMEOUT:-300}
checks='pause|stats|metrics|update|limit_is_set|limits_are_set|over_its_memory_limit|fork_bomb'
(($#)) || set -- {podman,containerd,docker}/{tsoci,runc}

passed=0 failed=0
for pair; do
  echo "# $pair"
  output=$(bash "$engines/${pair%/*}.sh" --runtime "${pair#*/}" --only "$checks" 2>&1 </dev/null)
  printf '%s\n' "$output"
  if [[ $output =~ ([1-9][0-9]*)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2] + BASH_REMATCH[3]))
  else
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
((failed == 0))
