// Configurations, from a safe one on.

import { resolve } from 'node:path';
import type {
  CapabilityName,
  Config,
  Mount,
  Resources,
  RlimitType,
  Seccomp,
} from '../config/generated/types.ts';
import { exampleConfig } from '../config/spec.ts';
import { defaultSeccomp } from './default-seccomp.ts';

/** What a container may use. */
export interface Limits {
  /** Bytes of memory. */
  readonly memory?: number;
  /** Processors: 1.5 are three halves of the time of one. */
  readonly cpus?: number;
  /** Processes and threads. */
  readonly pids?: number;
}

/** How a directory or file of the host is shown. */
export interface BindOptions {
  readonly readonly?: boolean;
}

/** How a filesystem in memory is made. */
export interface TmpfsOptions {
  /** Bytes; 64 MiB unless given. */
  readonly size?: number;
  /** As `1777`, which it is unless given. */
  readonly mode?: string;
}

/** The period of quotas of processor time, in microseconds, which is the kernel's own. */
const CPU_PERIOD = 100_000;
const TMPFS_SIZE = 64 * 1024 * 1024;

/**
 * A configuration in the making. It is never changed: each method answers with another, so that one can be the base of many.
 */
export class ConfigBuilder {
  readonly #config: Config;

  /** @internal */
  constructor(config: Config) {
    this.#config = config;
  }

  /** The configuration, which is the caller's to change. */
  build(): Config {
    return structuredClone(this.#config);
  }

  /** A configuration that is changed by hand. */
  with(change: (config: CompleteConfig) => void): ConfigBuilder {
    const config = this.build() as CompleteConfig;
    change(config);
    return new ConfigBuilder(config);
  }

  /** The program to execute, and its arguments. */
  args(...args: [string, ...string[]]): ConfigBuilder {
    return this.with(({ process }) => {
      process.args = args;
    });
  }

  /** Variables of its environment, each in place of the one of that name. */
  env(variables: Readonly<Record<string, string>>): ConfigBuilder {
    return this.with(({ process }) => {
      const others = (process.env ?? []).filter((text) => !(text.slice(0, text.indexOf('=')) in variables));
      process.env = [...others, ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)];
    });
  }

  /** Its working directory. */
  cwd(path: string): ConfigBuilder {
    return this.with(({ process }) => {
      process.cwd = path;
    });
  }

  /** Its user, group and further groups in the container. */
  user(uid: number, gid = uid, additionalGids: readonly number[] = []): ConfigBuilder {
    return this.with(({ process }) => {
      process.user = { uid, gid, ...(additionalGids.length > 0 && { additionalGids: [...additionalGids] }) };
    });
  }

  /** The capabilities it has, in place of CAP_AUDIT_WRITE, CAP_KILL and CAP_NET_BIND_SERVICE. */
  capabilities(...names: CapabilityName[]): ConfigBuilder {
    return this.with(({ process }) => {
      process.capabilities = { bounding: names, effective: names, permitted: names };
    });
  }

  /** A limit of setrlimit(2), in place of one of that type. */
  rlimit(type: RlimitType, soft: number, hard = soft): ConfigBuilder {
    return this.with(({ process }) => {
      const others = (process.rlimits ?? []).filter((limit) => limit.type !== type);
      process.rlimits = [...others, { type, soft, hard }];
    });
  }

  /** The system calls it may make; {@link defaultSeccomp} unless given. tsoci needs libseccomp for it. */
  seccomp(filter: Seccomp = defaultSeccomp()): ConfigBuilder {
    return this.with(({ linux }) => {
      linux.seccomp = filter;
    });
  }

  /** Limits of its cgroup. They need cgroup v2 with the controllers `memory`, `cpu` and `pids`. */
  limits({ memory, cpus, pids }: Limits): ConfigBuilder {
    return this.resources({
      ...(memory !== undefined && { memory: { limit: memory } }),
      ...(cpus !== undefined && { cpu: { quota: Math.round(cpus * CPU_PERIOD), period: CPU_PERIOD } }),
      ...(pids !== undefined && { pids: { limit: pids } }),
    });
  }

  /** Settings of its cgroup, as `linux.resources` has them, beside those there are. */
  resources(resources: Resources): ConfigBuilder {
    return this.with(({ linux }) => {
      linux.resources = { ...linux.resources, ...resources };
    });
  }

  /** A mount behind those there are. */
  mount(mount: Mount): ConfigBuilder {
    return this.with((config) => {
      config.mounts.push(structuredClone(mount));
    });
  }

  /** Shows a directory or file of the host in the container. */
  bind(source: string, destination: string, { readonly = false }: BindOptions = {}): ConfigBuilder {
    const options = ['rbind', 'nosuid', 'nodev', ...(readonly ? ['rro'] : [])];
    return this.mount({ destination, type: 'none', source: resolve(source), options });
  }

  /** An empty filesystem in memory. */
  tmpfs(destination: string, { size = TMPFS_SIZE, mode = '1777' }: TmpfsOptions = {}): ConfigBuilder {
    const options = ['nosuid', 'nodev', `size=${size}`, `mode=${mode}`];
    return this.mount({ destination, type: 'tmpfs', source: 'tmpfs', options });
  }

  /** Lets the process write to the root filesystem. Where it is not to be kept, see {@link CreateOptions.overlay}. */
  writable(): ConfigBuilder {
    return this.with(({ root }) => {
      root.readonly = false;
    });
  }

  /** Its network: none but loopback (as it is unless said), that of the host, or the namespace at a path. */
  network(network: 'none' | 'host' | { readonly path: string }): ConfigBuilder {
    return this.with(({ linux }) => {
      const others = (linux.namespaces ?? []).filter(({ type }) => type !== 'network');
      const path = typeof network === 'object' && { path: network.path };
      linux.namespaces = network === 'host' ? others : [...others, { type: 'network', ...path }];
    });
  }

  hostname(name: string): ConfigBuilder {
    return this.with((config) => {
      config.hostname = name;
    });
  }

  /** Metadata of any kind, which `state` and `list` show. */
  annotations(annotations: Readonly<Record<string, string>>): ConfigBuilder {
    return this.with((config) => {
      config.annotations = { ...config.annotations, ...annotations };
    });
  }
}

/** A configuration with all that {@link config} gives it. */
export type CompleteConfig = Config & Required<Pick<Config, 'process' | 'root' | 'linux' | 'mounts'>>;

/**
 * A configuration with a root filesystem, a path of the host, that is read-only in the container: what `tsoci spec` writes, but for the
 * terminal. The process runs `sh` as root with three capabilities, in namespaces of its own, and cannot gain privileges. For
 * a user who is not root there is a user namespace too, and the network is the host's.
 */
export function config(rootfs: string): ConfigBuilder {
  const uid = process.getuid?.() ?? 0;
  const example = exampleConfig(uid === 0 ? undefined : { uid, gid: process.getgid?.() ?? uid });
  return new ConfigBuilder({ ...example, root: { path: resolve(rootfs), readonly: true } }).with((config) => {
    config.process.terminal = false;
  });
}
