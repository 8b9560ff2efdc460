import { existsSync, readFileSync } from 'node:fs';
import { type Bundle, shellConfig } from '../bundle.ts';

const CONTROLLERS = '/sys/fs/cgroup/cgroup.controllers';
const NEEDED = ['memory', 'cpu', 'pids'];

const script = `
cd /sys/fs/cgroup
for file in memory.max memory.swap.max cpu.max pids.max; do
  [ -r $file ] && echo "$file $(cat $file)"
done
`;

export const limits: Bundle = {
  unable({ rootless }) {
    if (rootless) return 'an ordinary user has no cgroup to limit';
    if (!existsSync(CONTROLLERS))
      return `/sys/fs/cgroup is not cgroup v2, with the controllers ${NEEDED.join(', ')}: "tsoci doctor" tells more`;
    const present = readFileSync(CONTROLLERS, 'utf8').trim().split(' ');
    const missing = NEEDED.filter((name) => !present.includes(name));
    return missing.length > 0 ? `cgroup v2 has no controller ${missing.join(', ')}` : undefined;
  },
  containers: [
    {
      name: 'limits',
      config(host) {
        const config = shellConfig(host, script);
        config.linux.resources = {
          ...config.linux.resources,
          memory: { limit: 64 * 1024 * 1024 },
          // Half a processor: microseconds in each period.
          cpu: { quota: 50_000, period: 100_000 },
          pids: { limit: 20 },
        };
        return config;
      },
    },
  ],
};
