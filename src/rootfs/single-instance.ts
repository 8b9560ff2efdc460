// Filesystems that a mount in the container has in common with the host, whatever namespaces it has.

/**
 * Those of which the kernel has one instance, whoever mounts it. Some set their options anew with each mount: mode=777 of a
 * container would be that of /sys/kernel/debug. cgroup2 has an instance for each cgroup namespace: see bindCgroup.
 */
const singleInstance: ReadonlySet<string> = new Set([
  ...['binfmt_misc', 'configfs', 'debugfs', 'devtmpfs', 'efivarfs', 'fusectl', 'pstore', 'resctrl'],
  ...['securityfs', 'selinuxfs', 'smackfs', 'tracefs'],
]);

/** Whether the kernel has one filesystem of this type, which then is also the host's. */
export function isSingleInstance(type: string): boolean {
  return singleInstance.has(type);
}
