import { type Bundle, type Container, nodeProgram, shellConfig } from '../bundle.ts';

const NETWORK = 'bridge=tsocibundle0,subnet=10.89.200.0/24';
const SERVER = '10.89.200.10';

const server = `exec /opt/node -e '
  require("http").createServer((request, response) =>
    response.end("hello " + request.socket.remoteAddress + ", I am " + require("os").hostname() + "\\n")
  ).listen(80);
'`;

const client = `exec /opt/node -e '
  const { address } = require("os").networkInterfaces().eth0.find(({ family }) => family === "IPv4");
  console.log("client has the address", address);
  const ask = async (left) => {
    try {
      console.log("server answers:", (await (await fetch("http://${SERVER}")).text()).trim());
    } catch (error) {
      if (left === 0) throw error;
      setTimeout(ask, 100, left - 1);
    }
  };
  ask(100);
'`;

function container(name: string, script: string, options: readonly string[]): Container {
  return {
    name,
    options,
    config(host) {
      const config = shellConfig(host, script);
      config.hostname = name;
      config.mounts.push(nodeProgram());
      return config;
    },
  };
}

export const network: Bundle = {
  unable: ({ rootless }) => (rootless ? 'a bridge on the host takes root' : undefined),
  containers: [
    container('server', server, ['--detach', '--network', `${NETWORK},ip=${SERVER}`]),
    container('client', client, ['--network', NETWORK]),
  ],
};
