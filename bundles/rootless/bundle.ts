import { readFileSync } from 'node:fs';
import { type Bundle, shellConfig } from '../bundle.ts';

const script = `
echo "In here I am user $(id -u). Users of this namespace, and who they are outside:"
cat /proc/self/uid_map
`;

export const rootless: Bundle = {
  unable() {
    const off = ['/proc/sys/user/max_user_namespaces', '/proc/sys/kernel/unprivileged_userns_clone'].find(
      (file) => read(file) === '0',
    );
    return off && `user namespaces are off (${off})`;
  },
  containers: [{ name: 'rootless', config: (host) => shellConfig(host, script) }],
};

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
