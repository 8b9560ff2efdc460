import { type Bundle, type Container, shellConfig } from '../bundle.ts';

function container(name: string, script: string): Container {
  return {
    name,
    options: ['--overlay'],
    config(host) {
      const config = shellConfig(host, script);
      config.root.readonly = false;
      return config;
    },
  };
}

export const overlay: Bundle = {
  containers: [
    container(
      'writer',
      `
echo changed > /etc/passwd
echo "writer: / is $(while read source place type rest; do [ $place = / ] && echo $type; done < /proc/self/mounts)"
echo "writer: /etc/passwd is now: $(cat /etc/passwd)"
`,
    ),
    container('reader', 'echo "reader, of the same bundle, afterwards: $(cat /etc/passwd)"'),
  ],
};
