// Where systemd is to be reached: its private socket, which needs no bus daemon, or else the bus.

import { TsociError } from '../../linux/errors.ts';

export interface BusAddress {
  /** The path of a socket, or with a NUL in front an abstract name. */
  readonly socket: string;
  /** Whether systemd itself is at the other end. */
  readonly direct: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket';

/** The system's manager, or that of the user: in the order to try. */
export function busAddresses(env: Environment, user: boolean, uid: number): BusAddress[] {
  if (!user)
    return [
      { socket: '/run/systemd/private', direct: true },
      ...parseAddresses(env.DBUS_SYSTEM_BUS_ADDRESS || SYSTEM_BUS),
    ];
  const runtime = env.XDG_RUNTIME_DIR || `/run/user/${uid}`;
  return [
    { socket: `${runtime}/systemd/private`, direct: true },
    ...parseAddresses(env.DBUS_SESSION_BUS_ADDRESS || `unix:path=${runtime}/bus`),
  ];
}

/** D-Bus specification, "Server Addresses": unix:path=/run/user/0/bus,guid=…;unix:abstract=… Others are left out. */
export function parseAddresses(text: string): BusAddress[] {
  return text.split(';').flatMap((address) => {
    const [, pairs] = /^unix:(.*)$/.exec(address.trim()) ?? [];
    if (pairs === undefined) return [];
    const values = new Map(pairs.split(',').map((pair) => pair.split('=', 2) as [string, string]));
    const path = values.get('path');
    const abstract = values.get('abstract');
    if (path) return [{ socket: unescaped(path), direct: false }];
    return abstract ? [{ socket: `\0${unescaped(abstract)}`, direct: false }] : [];
  });
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TsociError(`D-Bus address ${JSON.stringify(text)} is malformed`);
  }
}
