// What `checkpoint` and `restore` are asked for. Paths are absolute.

import { configFile } from '../../criu/config-file.ts';
import { type CgroupMode, type CriuOptions, cgroupModes } from '../../criu/messages.ts';
import { CLONE_NEWNET } from '../../linux/constants.ts';
import type { CreateOptions } from '../create/options.ts';
import type { Images } from './images.ts';

/** What both leave to criu, under the names of its own options. */
export interface CriuSettings {
  /** The path of criu; undefined: it is looked for. */
  criu: string | undefined;
  /** Where the images of the checkpoint are. */
  imagePath: string;
  /** Where the log goes, and what criu keeps while it works; undefined: to the images. */
  workPath: string | undefined;
  tcpEstablished: boolean;
  tcpClose: boolean;
  extUnixSk: boolean;
  shellJob: boolean;
  fileLocks: boolean;
  linkRemap: boolean;
  autoDedup: boolean;
  lazyPages: boolean;
  /** --empty-ns network */
  emptyNetwork: boolean;
  manageCgroupsMode: CgroupMode;
}

export interface CheckpointOptions extends CriuSettings {
  root: string;
  id: string;
  /** Images of an earlier pre-dump, relative to imagePath. */
  parentPath: string | undefined;
  leaveRunning: boolean;
  preDump: boolean;
  tcpSkipInFlight: boolean;
  pageServer: { address: string; port: number } | undefined;
  /** A descriptor of the caller's that is written to once pages can be asked for. */
  statusFd: number | undefined;
}

export interface RestoreOptions extends CreateOptions, CriuSettings {
  detach: boolean;
  /** TYPE:NAME */
  lsmProfile: string | undefined;
  lsmMountContext: string | undefined;
}

/** All but warnings and errors would be left out by default; 4 is everything. */
const LOG_LEVEL = 4;

/** Milliseconds that criu may do nothing at all. */
const IDLE = 60_000;

/** With lazy pages or a page server it waits for somebody on another machine. */
export function idleLimit({ lazyPages, pageServer }: { lazyPages: boolean; pageServer?: unknown }): number {
  return lazyPages || pageServer ? Number.POSITIVE_INFINITY : IDLE;
}

export function commonOptions(
  settings: CriuSettings,
  images: Images,
  annotations: Readonly<Record<string, string>> = {},
): CriuOptions {
  return {
    images_dir_fd: images.images,
    work_dir_fd: images.work,
    log_level: LOG_LEVEL,
    log_file: images.logName,
    config_file: configFile(annotations),
    notify_scripts: true,
    orphan_pts_master: true,
    // What comes from mounts of the host follows what is mounted there, unless config.json says otherwise.
    ext_masters: true,
    tcp_established: settings.tcpEstablished,
    tcp_close: settings.tcpClose,
    ext_unix_sk: settings.extUnixSk,
    shell_job: settings.shellJob,
    file_locks: settings.fileLocks,
    link_remap: settings.linkRemap,
    auto_dedup: settings.autoDedup,
    lazy_pages: settings.lazyPages,
    empty_ns: settings.emptyNetwork ? CLONE_NEWNET : undefined,
    manage_cgroups_mode: cgroupModes[settings.manageCgroupsMode],
  };
}
