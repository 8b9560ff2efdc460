import { existsSync, readFileSync } from 'node:fs';
import { type Bundle, shellConfig } from '../bundle.ts';

/** Seconds that the container believes to be up before its host was: a thousand days. */
const OFFSET = 1000 * 24 * 60 * 60;

function script(): string {
  const host = readFileSync('/proc/uptime', 'utf8').split('.')[0];
  return `
read uptime idle < /proc/uptime
echo "The host is up since ${host} s."
echo "The container believes in \${uptime%.*} s, $((\${uptime%.*} / 86400)) days."
`;
}

export const time: Bundle = {
  unable({ rootless }) {
    if (rootless) return 'tsoci makes time namespaces for root only';
    return existsSync('/proc/self/ns/time') ? undefined : 'the kernel has no time namespaces';
  },
  containers: [
    {
      name: 'time',
      config(host) {
        const config = shellConfig(host, script());
        config.linux.namespaces?.push({ type: 'time' });
        config.linux.timeOffsets = { boottime: { secs: OFFSET, nanosecs: 0 } };
        return config;
      },
    },
  ],
};
