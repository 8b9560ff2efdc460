import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Bundle, shellConfig } from '../bundle.ts';

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];

/** Tells what a process in the container sees of itself, beside what the host has. */
function script(): string {
  const host = NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(' ');
  return `
echo "Hello from process $$ on $(cat /proc/sys/kernel/hostname). The host is ${hostname().replace(/[^\w.-]/g, '')}."
echo
echo "Processes:"
for directory in /proc/[0-9]*; do
  [ -r $directory/comm ] && echo "  \${directory#/proc/} $(cat $directory/comm)"
done
echo
echo "Namespaces:"
for host in ${host.replaceAll(/[[\]]/g, '\\$&')}; do
  own=$(readlink /proc/self/ns/\${host%%:*})
  [ $own = $host ] && word='the same as the host' || word="not the host's"
  echo "  $own, $word"
done
echo
echo "Mounts:"
while read source place type options rest; do
  echo "  $place ($type, \${options%%,*})"
done < /proc/self/mounts
`;
}

export const hello: Bundle = {
  containers: [{ name: 'hello', config: (host) => shellConfig(host, script()) }],
};
