import { type Bundle, shellConfig } from '../bundle.ts';

export const shell: Bundle = {
  containers: [
    {
      name: 'shell',
      config(host) {
        const config = shellConfig(host, '');
        config.process.terminal = host.terminal;
        config.process.args = ['/bin/sh'];
        return config;
      },
    },
  ],
};
