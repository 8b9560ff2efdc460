import { readTextFrom } from '../../linux/text-file.ts';
import type { ListedLease } from '../../network/list-attachments.ts';
import { defineCommand } from '../command.ts';
import { type Option, UsageError, type Values } from '../options.ts';
import { callersPath } from '../paths.ts';
import { table } from '../table.ts';

const OPTIONS = [
  { long: 'bridge', kind: 'string', placeholder: 'NAME', help: 'the bridge on the host (default: tsoci0)' },
  {
    long: 'subnet',
    kind: 'list',
    placeholder: 'CIDR',
    help: 'where the container gets an address; once for IPv4 and once for IPv6 (default: what the bridge has, else 10.89.0.0/24)',
  },
  {
    long: 'gateway',
    kind: 'list',
    placeholder: 'ADDRESS',
    help: "the bridge's address in a subnet (default: its first)",
  },
  {
    long: 'ip',
    kind: 'list',
    placeholder: 'ADDRESS',
    help: "the container's address in a subnet (default: the next free)",
  },
  {
    long: 'interface',
    kind: 'string',
    placeholder: 'NAME',
    help: 'the device in the container (default: eth0)',
  },
  { long: 'mtu', kind: 'string', placeholder: 'BYTES', help: "the device's MTU (default: the bridge's)" },
  { long: 'mac', kind: 'string', placeholder: 'MAC', help: "the device's MAC address" },
  {
    long: 'masquerade',
    kind: 'flag',
    help: "give what the container sends past the bridge the host's address",
  },
  {
    long: 'publish',
    short: 'p',
    kind: 'list',
    placeholder: 'PORTS',
    help: 'lead a port of the host to the container: [ADDRESS:]HOST:CONTAINER[/PROTOCOL]',
  },
  {
    long: 'state-dir',
    kind: 'string',
    placeholder: 'DIR',
    help: 'where the leases are recorded (default: /run/tsoci-network)',
  },
  { long: 'json', kind: 'flag', help: 'list: show the leases as JSON' },
] as const satisfies readonly Option[];

type NetworkValues = Values<typeof OPTIONS>;

export const command = defineCommand({
  name: 'network',
  summary: 'attach a container to a bridge, as an OCI hook of any runtime',
  description:
    "Attach is for a createRuntime hook, detach for a poststop hook. Both read the container's state on standard input. Attach makes the bridge if it is missing, a veth pair whose other end is the container's device, addresses from the subnets and a default route; detach takes it all back, with the last container the bridge too. Settings in the container's annotation org.tsoci.network (bridge=tsoci0,ip=10.89.0.7) go before options.",
  operands: ['attach|detach|list'],
  options: OPTIONS,
  examples: [
    { does: 'be the createRuntime hook', line: 'network attach --subnet 10.89.0.0/24 --masquerade' },
    { does: 'be the poststop hook', line: 'network detach' },
    { does: 'show who has which address', line: 'network list' },
  ],
  async run({ caller, values, operands: [action = ''] }) {
    const { DEFAULT_DIRECTORY, readNetworks } = await import('../../network/network-store.ts');
    const given = values['state-dir'] ?? DEFAULT_DIRECTORY;
    const directory = callersPath(given, caller);
    if (action === 'list') {
      const { listLeases } = await import('../../network/list-attachments.ts');
      const leases = listLeases(readNetworks(directory));
      caller.write(caller.stdio[1], values.json ? `${JSON.stringify(leases)}\n` : leaseTable(leases));
      return;
    }
    if (action !== 'attach' && action !== 'detach')
      throw new UsageError(`network: "${action}" is none of attach, detach, list`);
    const { ANNOTATION, parseSettings, readOptions } = await import('../../network/network-options.ts');
    const { parseHookState } = await import('../../network/hook-state.ts');
    const state = parseHookState(readTextFrom(caller.stdio[0], "the container's state from standard input"));
    const annotation = state.annotations[ANNOTATION] ?? '';
    const options = readOptions([...settingsOf(values), ...parseSettings(annotation)]);
    if (action === 'attach')
      (await import('../../network/attach.ts')).attach(caller, state, options, directory);
    else (await import('../../network/detach.ts')).detach(state, options, directory);
  },
});

/** The options given, by the names of settings. */
function settingsOf(values: NetworkValues): [string, string][] {
  const names = ['bridge', 'interface', 'mtu', 'mac', 'subnet', 'gateway', 'ip', 'publish'] as const;
  const settings = names.flatMap((name) =>
    [values[name] ?? []].flat().map((value): [string, string] => [name, value]),
  );
  return values.masquerade ? [...settings, ['masquerade', 'true']] : settings;
}

function leaseTable(leases: readonly ListedLease[]): string {
  const rows = leases.map(({ bridge, container, interface: device, addresses, publish }) => {
    return [bridge, container, device, addresses.join(','), publish.join(',')];
  });
  return table([['BRIDGE', 'CONTAINER', 'DEVICE', 'ADDRESSES', 'PUBLISH'], ...rows]);
}
