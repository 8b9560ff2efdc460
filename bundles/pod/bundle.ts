import { type Bundle, nodeProgram, shellConfig } from '../bundle.ts';

/** The namespaces of a pod, and their names in /proc/PID/ns. */
const SHARED = { network: 'net', ipc: 'ipc', uts: 'uts' } as const;

const member = `
echo "member is process $$ on $(cat /proc/sys/kernel/hostname)"
readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts
echo "The port that first listens on, found by member:"
/opt/node -e '
  const connect = (left) => require("net").connect(8080, "127.0.0.1")
    .on("data", (data) => process.stdout.write(data))
    .on("error", (error) => left ? setTimeout(connect, 100, left - 1) : console.error(error.message));
  connect(100);
'
`;

const first = `
echo "first is process $$ on $(cat /proc/sys/kernel/hostname)"
readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts
exec /opt/node -e 'require("net").createServer((s) => s.end("hello from first\\n")).listen(8080, "127.0.0.1")'
`;

export const pod: Bundle = {
  unable: ({ rootless }) =>
    rootless ? 'joining namespaces of another user namespace takes root' : undefined,
  containers: [
    {
      name: 'first',
      options: ['--detach'],
      config(host) {
        const config = shellConfig(host, first);
        config.hostname = 'pod';
        config.mounts.push(nodeProgram());
        return config;
      },
    },
    {
      name: 'member',
      config(host, pid) {
        const config = shellConfig(host, member);
        // It comes with the joined namespace.
        delete config.hostname;
        config.mounts.push(nodeProgram());
        for (const namespace of config.linux.namespaces ?? []) {
          const name = Object.entries(SHARED).find(([type]) => type === namespace.type)?.[1];
          if (name) namespace.path = `/proc/${pid('first')}/ns/${name}`;
        }
        return config;
      },
    },
  ],
};
