# shellcheck shell=bash
# What the suites share: options, a sandbox to run in, checks, and their report in TAP.
#
# The sandbox is a set of new mount, pid, network, IPC and UTS namespaces with an empty /run and /dev/shm: the
# engine starts as on a fresh host, meets nobody else's containers, and cannot outlive the suite. Only cgroups
# are shared with the host, so every cgroup of a suite is named after it ($suite_id).

set -uo pipefail

engines=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
passed=0 failed=0 skipped=0
readonly CAP_SYS_ADMIN=21 CAP_SYS_RESOURCE=24 # linux/capability.h
: "${ENGINE_TIMEOUT:=60}" # seconds that a command of an engine may take

usage() {
  cat <<EOF
usage: $(basename "$0") [--runtime PATH] [--cgroup2] [--only REGEX]
  --runtime PATH  the runtime to check (default: \$RUNTIME, else dist/tsoci)
  --cgroup2       show the engine nothing but cgroup v2 (the host's /sys/fs/cgroup/unified as /sys/fs/cgroup)
  --only REGEX    only the checks whose name matches
EOF
}

# Sets $runtime, $cgroup2 and $only, then goes on inside the sandbox with $work (a directory) and $suite_id. A suite that
# has a function `prepare` gets it called before, where there is a network.
begin() {
  runtime=${RUNTIME:-$engines/../../dist/tsoci} cgroup2='' only=''
  local arguments=("$@")
  while (($#)); do
    case $1 in
      --runtime) runtime=${2:?--runtime needs a path}; shift 2 ;;
      --cgroup2) cgroup2=yes; shift ;;
      --only) only=${2:?--only needs a regular expression}; shift 2 ;;
      --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
  done
  runtime=$(realpath -e "$(type -P "$runtime" || echo "$runtime")") || exit 2
  if [[ -z ${SUITE_WORK-} ]]; then
    if declare -F prepare >/dev/null; then prepare || exit 2; fi
    in_sandbox "$0" "${arguments[@]}"
    exit
  fi
  work=$SUITE_WORK suite_id=$(basename "$SUITE_WORK")
  furnish_sandbox
  [[ $(basename "$runtime") != crun ]] || know_crun
}

# in_sandbox COMMAND... runs it in new namespaces and removes what namespaces do not take with them.
in_sandbox() {
  local status=0 sandbox
  SUITE_WORK=$(mktemp -d -t "tsoci-$(basename "$0" .sh)-XXXXXX") || return 2
  export SUITE_WORK
  # unshare blocks SIGTERM, so what ends it, and by --kill-child all that is inside, is the SIGKILL that follows.
  timeout --foreground --kill-after 1 "${SUITE_TIMEOUT:-3000}" \
    unshare --mount --pid --net --ipc --uts --fork --kill-child --mount-proc "$@" &
  sandbox=$!
  trap 'kill "$sandbox"' HUP INT TERM # ends wait early
  while wait "$sandbox" || status=$?; kill -0 "$sandbox" 2>/dev/null; do :; done
  find /sys/fs/cgroup -depth -type d -path "*$(basename "$SUITE_WORK")*" -exec rmdir {} + 2>/dev/null
  rm -rf --one-file-system "$SUITE_WORK"
  return "$status"
}

furnish_sandbox() {
  mount -t tmpfs tmpfs /run && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mkdir /run/lock || exit 2
  ip link set lo up
  local unified
  unified=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET)
  if [[ $cgroup2 ]]; then
    mount --bind "$unified" /sys/fs/cgroup || exit 2
  fi
  find_controllers "$unified"
  mkdir "$work/bin" "$work/tmp"
  mkfifo "$work/silence"
  export PATH=$work/bin:$PATH TMPDIR=$work/tmp TERM=xterm
  cd "$work" || exit 2
  if [[ ${TSOCI_TEST_RESIDENT-} ]]; then start_server; fi
}

# With TSOCI_TEST_RESIDENT=1 a server serves the engine's commands.
start_server() {
  local tries
  "$runtime" serve </dev/null >"$work/serve" 2>&1 &
  for ((tries = 200; tries > 0; tries--)); do
    "$runtime" serve --status >/dev/null 2>&1 && return
    sleep 0.05
  done
  echo "$runtime serve does not answer: $(<"$work/serve")" >&2
  exit 2
}

# A server that has served few was not asked.
count_served() {
  local counts
  counts=$("$runtime" serve --status --format json | jq --compact-output '{served, refused, gone}')
  cat "$work/serve"
  echo "# the server: $counts"
  jq --exit-status '.served > 50 and .served > .refused + .gone' >/dev/null <<<"$counts" || failed=$((failed + 1))
}

# needs NAME...: a suite whose programs are not installed is skipped whole.
needs() {
  local name
  for name in "$@"; do
    type -P "$name" >/dev/null || skip_suite "$name is not installed"
  done
}

skip_suite() {
  echo "1..0 # SKIP $*"
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
}

# crun 1.8 has no hybrid cgroups, and raises RLIMIT_MEMLOCK for its device filter.
know_crun() {
  [[ -f /sys/fs/cgroup/cgroup.controllers ]] || skip_suite 'crun has no hybrid cgroups: see --cgroup2'
  can "$CAP_SYS_RESOURCE" || skip_suite 'crun needs CAP_SYS_RESOURCE to filter devices'
}

can() { (($(awk '/^CapEff/ { print "0x" $2 }' /proc/self/status) >> $1 & 1)); }

# find_controllers UNIFIED: sets $controllers to those that the runtime can use: those of cgroup v2, where
# freezing needs no controller, and those of v1 too if it knows v1 (features-linux.md#cgroup) and they are in view.
find_controllers() {
  if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
    controllers="freezer $(</sys/fs/cgroup/cgroup.controllers)"
  elif "$runtime" features 2>/dev/null | jq --exit-status '.linux.cgroup.v1 == false' >/dev/null; then
    controllers="freezer $(<"$1/cgroup.controllers")"
  else
    controllers=$(awk '$4 == 1 { print $1 }' /proc/cgroups | tr '\n' ' ')
  fi
}
has_controller() { [[ " $controllers " == *" $1 "* ]]; }

# A check is a function of a file of checks; its name, with spaces, is what it claims. Helpers begin with "_".
# It runs in a subshell and fails at its first failing command; `skip REASON` ends it otherwise. Its standard input
# is silent: nothing to read, and no end.
run_checks() {
  local file=$1 name
  # shellcheck disable=SC1090
  source "$file"
  while read -r name; do
    [[ $name =~ $only ]] && run_check "$(basename "$file" .sh)" "$name"
  done < <(sed -nE 's/^([a-z][a-z0-9_]*)\(\) .*/\1/p' "$file")
}

run_check() {
  local title="$1: ${2//_/ }" status
  (
    exec >"$work/output" 2>&1 3>"$work/reason" <>"$work/silence"
    set -eE
    shopt -s inherit_errexit
    trap 'echo "in ${FUNCNAME[0]}, line $LINENO: $BASH_COMMAND: exit $?"' ERR
    "$2"
  )
  status=$?
  report "$title" "$status" "$(<"$work/reason")"
}

# report TITLE STATUS [REASON]: counts and prints the verdict: skipped if there is a reason, or else by the status.
report() {
  local number=$((passed + failed + skipped + 1))
  if [[ ${3-} ]]; then
    skipped=$((skipped + 1))
    echo "ok $number - $1 # SKIP $3"
  elif (($2 == 0)); then
    passed=$((passed + 1))
    echo "ok $number - $1"
  else
    failed=$((failed + 1))
    echo "not ok $number - $1"
    tail -n 20 "$work/output" | sed 's/^/# /'
  fi
}

finish() {
  if [[ ${TSOCI_TEST_RESIDENT-} ]]; then count_served; fi
  echo "1..$((passed + failed + skipped))"
  echo "$passed passed, $failed failed, $skipped skipped"
  exit $((failed > 0))
}

# --- what a check says -------------------------------------------------------------------------------------

skip() {
  echo "$*" >&3
  exit 0
}

# equal EXPECTED ACTUAL
equal() { [[ $2 == "$1" ]] || { printf 'expected: %q\nactual:   %q\n' "$1" "$2"; return 1; }; }

# matches REGEX TEXT
matches() { [[ $2 =~ $1 ]] || { printf 'expected to match: %s\nactual: %s\n' "$1" "$2"; return 1; }; }

# prints EXPECTED COMMAND...: what it writes to standard output, without trailing newlines.
prints() {
  local expected=$1 actual
  shift
  actual=$("$@")
  equal "$expected" "$actual"
}

# exits STATUS COMMAND...
exits() {
  local expected=$1 actual=0
  shift
  "$@" || actual=$?
  equal "exit $expected" "exit $actual"
}

refuses() { if "$@"; then echo "succeeded, but should not: $*"; return 1; fi; }

# eventually COMMAND...: true within 10 seconds.
eventually() {
  local limit=$((10 * ${TSOCI_TEST_SLOWNESS:-1})) # the virtual machine tells how slow it is
  local tries=$((10 * limit))
  until "$@" >/dev/null 2>&1; do
    ((tries-- > 0)) || { echo "did not come true within $limit s: $*"; return 1; }
    sleep 0.1
  done
}

# on_terminal COMMAND...: runs it on a new pseudoterminal of 31 rows and 97 columns; the screen is the output.
on_terminal() {
  SHELL=/bin/sh script --quiet --return --command "stty rows 31 cols 97; $(printf '%q ' "$@")" /dev/null | tr -d '\r'
}

# For a shell on such a terminal. Some engines give it its size a moment after the start, and lose what is written
# at the very end.
readonly report_terminal='tty; until stty size 2>/dev/null | grep .; do sleep 0.1; done; sleep 0.5'
