#!/usr/bin/env bash
# What a container can leave behind on a host: mounts, cgroups, network devices and processes.
#
#   leaks.sh snapshot > before
#   leaks.sh compare before [REGEX]
#
# `compare` prints every line that is there now and was not before, and exits 1 if there is one. On a machine
# where others work too, REGEX says which lines count (a container id, a bundle, a cgroup's name).
# Mounts and network devices are those of the caller's own namespaces.
set -euo pipefail

# Without this script's own processes and those that wait for it. ps lists kernel threads as "[name]": they come
# and go by themselves. Zombies ("[sh] <defunct>") count. How many workers a server has is its own business.
processes() {
  ps -eo pid=,ppid=,args= | awk -v self=$$ '
    { pid = $1; parent[pid] = $2; $1 = $2 = ""; args[pid] = $0 }
    function descends(pid, from) {
      while (pid > 0 && pid != from) pid = parent[pid]
      return pid == from
    }
    END {
      for (pid in args)
        if (!descends(pid, self) && !descends(self, pid) && args[pid] !~ /^ *(\[[^]]*\]|tsoci-worker [0-9]+)$/)
          print "process " pid args[pid]
    }'
}

snapshot() {
  {
    processes
    findmnt --raw --noheadings --output TARGET,FSTYPE,SOURCE | sed 's/^/mount /'
    find /sys/fs/cgroup -mindepth 1 -type d -printf 'cgroup %p\n' 2>/dev/null || true
    awk -F: 'NR > 2 { gsub(/ /, "", $1); print "link " $1 }' /proc/self/net/dev
  } | LC_ALL=C sort
}

case ${1-} in
  snapshot) snapshot ;;
  compare)
    left=$(snapshot | LC_ALL=C comm -13 "${2:?the file that snapshot wrote}" - | grep -E -- "${3-}" || true)
    [[ -z $left ]] || { printf '%s\n' "$left"; exit 1; }
    ;;
  *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
