// Names of kernel parameters (sysctl(8)).

/**
 * The directories and the file of /proc/sys that a name means: the first separator decides whether dots or slashes
 * separate, since net/ipv4/conf/eth0.100/rp_filter has both. Undefined if the name could lead elsewhere.
 */
export function sysctlParts(name: string): string[] | undefined {
  const slashes = /^[^./]*\//.test(name);
  // The other character is a part of a name: a.b in net.ipv4.conf.a/b.rp_filter.
  const parts = slashes ? name.split('/') : name.split('.').map((part) => part.replaceAll('/', '.'));
  return parts.length > 1 && parts.every((part) => !['', '.', '..'].includes(part)) ? parts : undefined;
}
