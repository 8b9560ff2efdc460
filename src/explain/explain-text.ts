// An explanation as text for a terminal: a section for each of the questions that people have.

import { lastCapability } from '../security/capabilities.ts';
import type { Explanation } from './explain.ts';
import type { Difference, Fact } from './facts.ts';

const ENOUGH = 8;

export function explanationText(explanation: Explanation): string {
  const { name, pid, facts, usage, hostFiles, propagating, drift } = explanation;
  const sections: [title: string, lines: string[]][] = [
    ['USER', userLines(explanation)],
    ['CAPABILITIES', capabilityLines(explanation)],
    ['CONFINEMENT', confinementLines(explanation)],
    ['NAMESPACES', namespaceLines(explanation)],
    ['MOUNTS', mountLines(explanation)],
    ['PROPAGATION', propagating.map(({ mountPoint, peers }) => `${mountPoint}  ${peers}`)],
    ['CGROUP', cgroupLines(facts, usage)],
    ['RLIMITS', withPrefix(facts, 'process.rlimits.').map(([type, limits]) => `${type}  ${limits}`)],
    ['OPEN FILES OF THE HOST', hostFiles.map(({ fd, path }) => `${fd} -> ${path}`)],
    ['DIFFERS FROM CONFIG.JSON', drift ? driftLines(drift) : ['no config.json is known: see --bundle']],
  ];
  const command = text(facts.get('process.args')) || '(a kernel thread, or one that hides its arguments)';
  const shown = sections.filter(([, lines]) => lines.length > 0);
  return `${name}: process ${pid}: ${command}\n${shown.map(([title, lines]) => section(title, lines)).join('')}`;
}

/** Differences as lines: what the left side alone has after -, what the right side alone has after +. */
export function differenceLines(differences: readonly Difference[]): string[] {
  return differences.flatMap(({ name, left, right }) => [name, ...signed('-', left), ...signed('+', right)]);
}

function signed(sign: string, fact: Fact | undefined): string[] {
  if (fact === undefined) return [];
  return (typeof fact === 'string' ? [fact] : fact).map((element) => `  ${sign} ${element}`);
}

function driftLines(differences: readonly Difference[]): string[] {
  if (differences.length === 0) return ['nothing'];
  return ['(- config.json, + the process)', ...differenceLines(differences)];
}

function section(title: string, lines: readonly string[]): string {
  return `\n${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function text(fact: Fact | undefined): string {
  return fact === undefined ? '' : typeof fact === 'string' ? fact : fact.join(' ');
}

function list(fact: Fact | undefined): readonly string[] {
  return fact === undefined ? [] : typeof fact === 'string' ? [fact] : fact;
}

function withPrefix(facts: Explanation['facts'], prefix: string): [string, string][] {
  return [...facts]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, fact]) => [name.slice(prefix.length), text(fact)]);
}

function userLines({ facts, hostUid }: Explanation): string[] {
  const uid = text(facts.get('process.user.uid'));
  const onHost = uid === String(hostUid) ? '' : `, ${hostUid} on the host`;
  const groups = list(facts.get('process.user.additionalGids'));
  return [
    `uid ${uid}${onHost}, gid ${text(facts.get('process.user.gid'))}, umask ${text(facts.get('process.user.umask'))}`,
    ...(groups.length > 0 ? [`groups ${groups.join(' ')}`] : []),
    ...['uidMappings', 'gidMappings'].map((name) => {
      return `${name} ${list(facts.get(`linux.${name}`)).join(', ')} (inside, outside, size)`;
    }),
  ];
}

function capabilityLines({ facts }: Explanation): string[] {
  const all = lastCapability() + 1;
  return withPrefix(facts, 'process.capabilities.').map(([set, names]) => {
    const known = names.split(' ').filter(Boolean);
    if (known.length === 0) return `${set}  none`;
    if (known.length >= all) return `${set}  all ${all}`;
    return `${set}  ${known.map((name) => name.replace(/^CAP_/, '')).join(' ')}`;
  });
}

function confinementLines({ facts, filters }: Explanation): string[] {
  const label = text(facts.get('process.label'));
  return [
    `noNewPrivileges  ${text(facts.get('process.noNewPrivileges'))}`,
    `seccomp  ${text(facts.get('linux.seccomp'))}${filters > 0 ? ` (${filters} on it)` : ''}`,
    `LSM label  ${label || 'none'}`,
    `oomScoreAdj  ${text(facts.get('process.oomScoreAdj'))}`,
  ];
}

function namespaceLines({ namespaces }: Explanation): string[] {
  return namespaces.map(({ type, inode, whose }) => `${type.padEnd(8)} ${inode}  ${whose}`);
}

function mountLines({ facts, namespaces }: Explanation): string[] {
  if (namespaces.find(({ type }) => type === 'mount')?.whose === 'host') return ["the host's"];
  return [...facts].flatMap(([name, fact]) => {
    if (!name.startsWith('mounts[') || !name.endsWith(']')) return [];
    const options = list(facts.get(`${name}.options`));
    return [`${JSON.parse(name.slice('mounts['.length, -1))}  ${text(fact)}  ${options.join(',') || 'rw'}`];
  });
}

function cgroupLines(facts: Explanation['facts'], usage: Explanation['usage']): string[] {
  const path = text(facts.get('linux.cgroupsPath'));
  if (path === '') return [];
  const limits = withPrefix(facts, 'cgroup/').map(([file, value]) => `${file}  ${value}`);
  const used = Object.entries(usage).map(([file, value]) => `${file}  ${value}`);
  return [path, ...(limits.length > 0 ? limits : ['no limits']), ...used].slice(0, ENOUGH + limits.length);
}
