#!/bin/busybox sh
# Runs the host's command, tells the host its exit status, and ends the machine.
# The channels to the host are virtio-serial ports, named in test/vm/machine.ts. A port can be opened only once,
# so the command gets pipes, which it may reopen as /dev/stderr.

export PATH=/tsoci/dist:/tsoci/node_modules/.bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root
export NODE_COMPILE_CACHE=/tmp/node-compile-cache

order=/tsoci/build/vm # what the host wrote for this session

mkdir -p /run/vm
for port in /sys/class/virtio-ports/*; do
  if [ -s "$port/name" ]; then ln -s "/dev/${port##*/}" "/run/vm/$(cat "$port/name")"; fi
done
exec 9>/run/vm/status
read -r up _ </proc/uptime
# A boot takes two to four seconds where qemu has a processor for itself; what comes after it is as slow as it was.
TSOCI_TEST_SLOWNESS=$(((${up%.*} + 4) / 4))
export TSOCI_TEST_SLOWNESS
printf 'up %s\nslowness %s\n' "$up" "$TSOCI_TEST_SLOWNESS" >&9
cd /tsoci || exit

if [ -e $order/terminal ]; then
  export TERM=linux
  stty -F /dev/hvc0 $(cat $order/terminal)
  setsid -c sh $order/command </dev/hvc0 >/dev/hvc0 2>&1 9>&-
  status=$?
else
  mkfifo /run/vm/stdin.pipe /run/vm/stdout.pipe /run/vm/stderr.pipe
  cat /run/vm/stdin >/run/vm/stdin.pipe 9>&- &
  cat /run/vm/stdout.pipe >/run/vm/stdout 9>&- &
  stdout=$!
  cat /run/vm/stderr.pipe >/run/vm/stderr 9>&- &
  stderr=$!
  # A subshell, so that no SIGCHLD interrupts the opening of the pipes.
  (sh $order/command) </run/vm/stdin.pipe >/run/vm/stdout.pipe 2>/run/vm/stderr.pipe 9>&-
  status=$?
  # A process left behind may hold a pipe open: do not wait for it for ever.
  { sleep 5; kill $stdout $stderr; } 2>/dev/null 9>&- &
  wait $stdout $stderr
fi

echo "exit $status" >&9
exec busybox poweroff -f
