// What tsoci asks of systemd (org.freedesktop.systemd1(5), the interface Manager).

import { SIGKILL } from '../../linux/constants.ts';
import { messageOf, TsociError } from '../../linux/errors.ts';
import { step } from '../../linux/steps.ts';
import { Bus, BusError, type Method } from './bus.ts';
import { type BusAddress, busAddresses } from './bus-address.ts';
import { SIGNAL } from './bus-message.ts';
import type { Value, Variant } from './marshal.ts';
import type { Property } from './properties.ts';

const SYSTEMD = 'org.freedesktop.systemd1';
const PATH = '/org/freedesktop/systemd1';
const MANAGER = `${SYSTEMD}.Manager`;
const UNIT = `${SYSTEMD}.Unit`;
const PROPERTIES = 'org.freedesktop.DBus.Properties';
const NO_SUCH_UNIT = `${SYSTEMD}.NoSuchUnit`;
const UNIT_EXISTS = `${SYSTEMD}.UnitExists`;

/** A unit with no process of its own starts and stops in an instant; systemd itself may be busy. */
const JOB_TIMEOUT_MS = 30_000;

/** Who is asked, and with which environment to find it. */
export interface Whom {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** The user's manager instead of the system's. */
  readonly user: boolean;
}

/** Connects for the time of `body`. */
export function withSystemd<T>(whom: Whom, body: (systemd: Systemd) => T): T {
  const systemd = new Systemd(connect(busAddresses(whom.env, whom.user, whom.uid), whom.user));
  try {
    return body(systemd);
  } finally {
    systemd.close();
  }
}

function connect(addresses: readonly BusAddress[], user: boolean): Bus {
  const failures: string[] = [];
  for (const address of addresses) {
    try {
      return Bus.connect(address);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  const hint = user
    ? 'is there a systemd of the user (DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR; loginctl enable-linger)?'
    : 'does systemd run here?';
  throw new TsociError(
    `reach systemd: ${failures.join('; ')}; ${hint} Without it use --cgroup-manager cgroupfs`,
  );
}

export class Systemd {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  close(): void {
    this.#bus.close();
  }

  /** Starts a transient unit and waits until it runs. What a failed unit of the name left is cleared away. */
  startTransientUnit(unit: string, properties: readonly Property[]): void {
    this.#subscribe();
    const start = () =>
      this.#call('StartTransientUnit', 'ssa(sv)a(sa(sv))', [
        unit,
        'fail',
        properties as readonly Value[],
        [],
      ]);
    let job: Value | undefined;
    try {
      [job] = start();
    } catch (error) {
      if (nameOf(error) !== UNIT_EXISTS) throw describe(`start unit ${unit}`, error);
      this.resetFailed(unit);
      try {
        [job] = start();
      } catch (second) {
        throw describe(`start unit ${unit}`, second);
      }
    }
    const result = this.#jobResult(`start unit ${unit}`, job);
    if (result !== 'done')
      throw new TsociError(`start unit ${unit}: the job ended as "${result}"; see journalctl -u ${unit}`);
  }

  setProperties(unit: string, properties: readonly Property[]): void {
    try {
      const runtime = true;
      this.#call('SetUnitProperties', 'sba(sv)', [unit, runtime, properties as readonly Value[]]);
    } catch (error) {
      throw describe(`set properties of unit ${unit}`, error);
    }
  }

  /** Documentation= of a unit (systemd.unit(5)); undefined where none of the name is loaded. */
  documentationOf(unit: string): readonly string[] | undefined {
    try {
      const [path] = this.#call('GetUnit', 's', [unit]);
      const get = { destination: SYSTEMD, path: String(path), interface: PROPERTIES, member: 'Get' };
      const [documentation] = this.#bus.call(get, 'ss', [UNIT, 'Documentation']);
      return (documentation as Variant).value as string[];
    } catch (error) {
      if (nameOf(error) === NO_SUCH_UNIT) return undefined;
      throw describe(`look at unit ${unit}`, error);
    }
  }

  /** Sends SIGKILL to all processes of a unit. One that has none, or is gone, is no error. */
  killUnit(unit: string): void {
    this.#try('KillUnit', 'ssi', [unit, 'all', SIGKILL]);
  }

  /** Stops a unit and waits until it has; one that is gone already is no error. */
  stopUnit(unit: string): void {
    this.#subscribe();
    try {
      const [job] = this.#call('StopUnit', 'ss', [unit, 'replace']);
      this.#jobResult(`stop unit ${unit}`, job);
    } catch (error) {
      if (nameOf(error) !== NO_SUCH_UNIT) throw describe(`stop unit ${unit}`, error);
    }
  }

  /** Forgets that a unit has failed. */
  resetFailed(unit: string): void {
    this.#try('ResetFailedUnit', 's', [unit]);
  }

  /** Has systemd send its signals, and a bus daemon pass on the one we want. */
  #subscribe(): void {
    this.#call('Subscribe', '', []);
    const name = 'org.freedesktop.DBus';
    const rule = `type='signal',sender='${SYSTEMD}',path='${PATH}',interface='${MANAGER}',member='JobRemoved'`;
    if (!this.#bus.direct)
      this.#bus.call(
        { destination: name, path: '/org/freedesktop/DBus', interface: name, member: 'AddMatch' },
        's',
        [rule],
      );
  }

  #jobResult(doing: string, job: Value | undefined): string {
    const { body } = this.#bus.waitFor(
      doing,
      JOB_TIMEOUT_MS,
      (message) => message.type === SIGNAL && message.member === 'JobRemoved' && message.body[1] === job,
    );
    return String(body[3]);
  }

  /** A call that may be answered by an error. */
  #try(member: string, signature: string, body: readonly Value[]): void {
    try {
      this.#call(member, signature, body);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
    }
  }

  #call(member: string, signature: string, body: readonly Value[]): readonly Value[] {
    step(`call ${member} of systemd`);
    const method: Method = { destination: SYSTEMD, path: PATH, interface: MANAGER, member };
    return this.#bus.call(method, signature, body);
  }
}

function nameOf(error: unknown): string | undefined {
  return error instanceof BusError ? error.errorName : undefined;
}

function describe(doing: string, error: unknown): unknown {
  return error instanceof BusError ? new TsociError(`${doing}: ${error.message}`) : error;
}
