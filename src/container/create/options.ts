// What `create` is asked for besides config.json. Paths are absolute: the caller's directory may have been removed.

export interface CreateOptions {
  /** The state directory. */
  root: string;
  id: string;
  bundle: string;
  configFile?: string | undefined;
  pidFile?: string | undefined;
  /** The path of a listening stream socket, which is sent a pidfd. */
  pidfdSocket?: string | undefined;
  consoleSocket?: string | undefined;
  /** Keep the master of the container's terminal, which then needs no console socket: `run` in the foreground. */
  keepTerminal?: boolean | undefined;
  /** How many descriptors from 3 on reach the process. */
  preserveFds: number;
  /** Whether a writable layer in memory lies over the root filesystem. */
  overlay: boolean;
  /** Hooks to add that attach the container to a bridge: the settings, and what runs tsoci. */
  network?: { spec: string; tsoci: string } | undefined;
  noPivot: boolean;
  noNewKeyring: boolean;
  systemdCgroup: boolean;
  cgroupManager: 'cgroupfs' | 'systemd' | 'disabled';
  /** Whether to do without what takes the rights of root on the host's cgroups; auto: if we have not got them. */
  rootless: 'true' | 'false' | 'auto';
}
