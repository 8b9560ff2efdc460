// /proc/PID/mountinfo (proc_pid_mountinfo(5)).

export interface MountInfo {
  /** The number of the mount, and of the one that it is mounted on. */
  id: number;
  parent: number;
  /** The filesystem: major:minor. Mounts of one filesystem have one. */
  device: string;
  /** The path of its root within the filesystem. */
  root: string;
  mountPoint: string;
  type: string;
  source: string;
  /** Attributes of the mount: ro or rw, nosuid, relatime, … */
  options: readonly string[];
  /** Peer groups (mount_namespaces(7)): shared:N, master:N, unbindable; none for a private mount. */
  propagation: readonly string[];
  /** Options of the filesystem: rw, mode=755, … */
  superblock: readonly string[];
}

/** Entries in order; a later one may lie over an earlier one. */
export function parseMountinfo(text: string): MountInfo[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [id, parent, device = '', root = '', mountPoint = '', options = '', ...propagation] =
        before.split(' ');
      const [type = '', source = '', superblock = ''] = after.split(' ');
      return {
        id: Number(id),
        parent: Number(parent),
        device,
        root: decodeOctal(root),
        mountPoint: decodeOctal(mountPoint),
        type,
        source: decodeOctal(source),
        options: options.split(','),
        propagation,
        superblock: superblock.split(','),
      };
    });
}

/** The mount point that holds a path. The path is absolute and without symlinks. */
export function mountPointOf(mountinfo: string, path: string): string {
  let longest = '/';
  for (const { mountPoint } of parseMountinfo(mountinfo)) {
    const holds = path === mountPoint || path.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`);
    if (holds && mountPoint.length >= longest.length) longest = mountPoint;
  }
  return longest;
}

/** Blanks and backslashes are written as octal numbers. */
function decodeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
