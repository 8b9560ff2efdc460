import { type Bundle, shellConfig } from '../bundle.ts';

const script = `
touch /tmp/file && echo "A file can be made."
mkdir /tmp/directory || echo "A directory cannot."
grep Seccomp: /proc/self/status
`;

export const seccomp: Bundle = {
  containers: [
    {
      name: 'seccomp',
      config(host) {
        const config = shellConfig(host, script);
        config.mounts.push({
          destination: '/tmp',
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['nosuid', 'nodev'],
        });
        config.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
        };
        return config;
      },
    },
  ],
};
