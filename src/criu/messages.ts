// What criu is asked and answers (images/rpc.proto of criu). Fields are called and numbered as there; those that nothing here
// needs are left out.

import { bool, field, int32, type MessageOf, message, repeated, string, uint32 } from './protobuf.ts';

/** enum criu_req_type */
export const RequestType = {
  DUMP: 1,
  RESTORE: 2,
  NOTIFY: 6,
  FEATURE_CHECK: 9,
  VERSION: 10,
  SINGLE_PRE_DUMP: 13,
} as const;

/** enum criu_cg_mode: how far the cgroups of a checkpoint are made again. */
export const cgroupModes = { ignore: 0, soft: 3, full: 4, strict: 5 } as const;

export type CgroupMode = keyof typeof cgroupModes;

/** enum criu_network_lock_method: NFTABLES, since criu 3.17. */
export const NETWORK_LOCK_NFTABLES = 2;

const pageServer = { address: field(1, string), port: field(2, int32) };
const extMountMap = { key: field(1, string), val: field(2, string) };
const joinNamespace = { ns: field(1, string), ns_file: field(2, string) };
const inheritFd = { key: field(1, string), fd: field(2, int32) };
const cgroupRoot = { ctrl: field(1, string), path: field(2, string) };

const options = {
  images_dir_fd: field(1, int32),
  pid: field(2, int32),
  leave_running: field(3, bool),
  ext_unix_sk: field(4, bool),
  tcp_established: field(5, bool),
  evasive_devices: field(6, bool),
  shell_job: field(7, bool),
  file_locks: field(8, bool),
  log_level: field(9, int32),
  log_file: field(10, string),
  ps: field(11, message(pageServer)),
  notify_scripts: field(12, bool),
  root: field(13, string),
  parent_img: field(14, string),
  track_mem: field(15, bool),
  auto_dedup: field(16, bool),
  work_dir_fd: field(17, int32),
  link_remap: field(18, bool),
  ext_mnt: repeated(23, message(extMountMap)),
  cg_root: repeated(25, message(cgroupRoot)),
  rst_sibling: field(26, bool),
  inherit_fd: repeated(27, message(inheritFd)),
  ext_masters: field(30, bool),
  manage_cgroups_mode: field(34, int32),
  external: repeated(37, string),
  empty_ns: field(38, uint32),
  join_ns: repeated(39, message(joinNamespace)),
  cgroup_dump_controller: repeated(43, string),
  freeze_cgroup: field(44, string),
  tcp_skip_in_flight: field(46, bool),
  lazy_pages: field(48, bool),
  orphan_pts_master: field(50, bool),
  config_file: field(51, string),
  tcp_close: field(52, bool),
  lsm_profile: field(53, string),
  lsm_mount_context: field(63, string),
  network_lock: field(64, int32),
};

const features = { mem_track: field(1, bool), lazy_pages: field(2, bool) };
const version = { major_number: field(1, int32), minor_number: field(2, int32), sublevel: field(4, int32) };
const notify = { script: field(1, string), pid: field(2, int32) };
const restored = { pid: field(1, int32) };

/** criu_req */
export const requestForm = message({
  type: field(1, int32),
  opts: field(2, message(options)),
  notify_success: field(3, bool),
  keep_open: field(4, bool),
  features: field(5, message(features)),
});

/** criu_resp */
export const responseForm = message({
  type: field(1, int32),
  success: field(2, bool),
  restore: field(4, message(restored)),
  notify: field(5, message(notify)),
  cr_errno: field(7, int32),
  features: field(8, message(features)),
  cr_errmsg: field(9, string),
  version: field(10, message(version)),
});

/** criu_opts */
export type CriuOptions = MessageOf<typeof options>;
export type CriuFeature = keyof typeof features;
export type Request = ReturnType<typeof requestForm.decode>;
export type Response = ReturnType<typeof responseForm.decode>;
export type ExternalMount = Required<MessageOf<typeof extMountMap>>;
