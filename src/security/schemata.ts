// Lines of resctrl's schemata files: `L3:0=7f0;1=1f`, `MB:0=20;1=70` (Documentation/filesystems/resctrl.rst). The
// kernel pads what it shows with blanks, and shows every domain.

/**
 * What a wanted line says otherwise than the text of a schemata file; undefined when all that it says is so. Domains
 * that it does not name may have any value.
 */
export function differences(wanted: string, present: string): string | undefined {
  const { resource, domains } = parseLine(wanted);
  const found = present
    .split('\n')
    .map(parseLine)
    .find((line) => line.resource === resource);
  if (!found) return `no line ${resource}`;
  for (const [domain, value] of domains) {
    const there = found.domains.get(domain);
    if (there !== value) return `${resource} of domain ${domain} is ${there ?? 'absent'}, not ${value}`;
  }
  return undefined;
}

function parseLine(line: string): { resource: string; domains: Map<string, string> } {
  const [resource = '', rest = ''] = line.split(':').map((part) => part.trim());
  const domains = new Map<string, string>();
  for (const part of rest.split(';')) {
    const [domain = '', value = ''] = part.split('=').map((side) => side.trim());
    if (domain !== '') domains.set(domain, normal(value));
  }
  return { resource, domains };
}

/** Masks and percentages alike without leading zeros, in lower case. */
function normal(value: string): string {
  return value.toLowerCase().replace(/^(0x)?0*(?=.)/, '');
}
