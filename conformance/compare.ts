// npm run conformance:compare -- NAME=PATH…
//
// Prints tables of what runtimes say of themselves, by --version, --help and `features`, and of what they do, by the results in
// build/conformance/NAME.json (`npm run conformance -- --runtime PATH --json build/conformance/NAME.json`). docs/comparison.md has them.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { checks } from './checks/index.ts';
import type { Results } from './harness/results.ts';

interface Said {
  name: string;
  version: string;
  commands: ReadonlySet<string>;
  features: Features;
  results: Results | undefined;
}

/** As far as it is looked at: features.md, features-linux.md. All of it may be missing. */
interface Features {
  ociVersionMax?: string;
  linux?: {
    namespaces?: string[];
    cgroup?: Record<string, boolean>;
    seccomp?: { enabled?: boolean; supportedFlags?: string[] };
    apparmor?: { enabled?: boolean };
    selinux?: { enabled?: boolean };
    intelRdt?: { enabled?: boolean };
    memoryPolicy?: object;
    netDevices?: { enabled?: boolean };
    mountExtensions?: { idmap?: { enabled?: boolean } };
  };
  annotations?: Record<string, string>;
}

const runtimes = process.argv.slice(2).map((argument) => {
  const [name = '', path = name] = argument.split('=');
  return ask(name, path);
});
if (runtimes.length === 0) throw new Error('which runtimes? NAME=PATH…');
const head = ['', ...runtimes.map(({ name, version }) => `${name} ${version}`)];
console.log(`## Commands: \`--help\`\n\n${table(head, commandRows())}`);
console.log(`\n## What they say: \`features\`\n\n${table(head, featureRows())}`);
console.log(`\n## What they do: checks passed, of those that could be made\n\n${table(head, resultRows())}`);

function ask(name: string, path: string): Said {
  const said = (...args: string[]) => spawnSync(path, args, { encoding: 'utf8', timeout: 30_000 });
  const version = said('--version');
  if (version.error) throw version.error;
  const features = said('features');
  const results = new URL(`../build/conformance/${name}.json`, import.meta.url);
  return {
    name,
    version: /\d+\.\d+\S*/.exec(version.stdout)?.[0] ?? '',
    commands: commandsOf(said('--help').stdout),
    features: features.status === 0 ? (JSON.parse(features.stdout) as Features) : {},
    results: existsSync(results) ? (JSON.parse(readFileSync(results, 'utf8')) as Results) : undefined,
  };
}

/** Each on a line of its own, below a heading: a name, perhaps a short one too, and what it does. */
function commandsOf(help: string): Set<string> {
  const listed = /^commands:\n((?:[ \t]+\S.*\n)+)/im.exec(help)?.[1] ?? '';
  return new Set(
    [...listed.matchAll(/^ {0,4}\t?([a-z]+)(?:, \w+)?\s+(?:- )?\w/gm)].map(([, name = '']) => name),
  );
}

function commandRows(): string[][] {
  const all = [...new Set(runtimes.flatMap(({ commands }) => [...commands]))];
  const cellsOf = (command: string) => runtimes.map(({ commands }) => yes(commands.has(command)));
  // Commands that the same runtimes have are one row.
  const rows = Map.groupBy(all, (command) => cellsOf(command).join());
  return [...rows.values()].map((names) => [names.join(', '), ...cellsOf(names[0] ?? '')]);
}

function featureRows(): string[][] {
  const row = (title: string, cell: (features: Features) => string | boolean | undefined) => [
    title,
    ...runtimes.map(({ features }) => {
      if (features.linux === undefined) return '(no `features`)';
      const value = cell(features);
      return typeof value === 'string' ? value : value === undefined ? 'not named' : yes(value);
    }),
  ];
  const checkpoint = 'org.opencontainers.runc.checkpoint.enabled';
  return [
    row('newest specification', ({ ociVersionMax }) => ociVersionMax),
    ...['v1', 'v2', 'systemd', 'systemdUser', 'rdma'].map((name) =>
      row(`cgroup: ${name}`, ({ linux }) => linux?.cgroup?.[name]),
    ),
    row('time namespaces', ({ linux }) => linux?.namespaces?.includes('time')),
    row('idmapped mounts', ({ linux }) => linux?.mountExtensions?.idmap?.enabled),
    row('seccomp', ({ linux }) => linux?.seccomp?.enabled),
    row('seccomp: flags', ({ linux }) => linux?.seccomp?.supportedFlags?.length.toString()),
    row('AppArmor', ({ linux }) => linux?.apparmor?.enabled),
    row('SELinux', ({ linux }) => linux?.selinux?.enabled),
    row('intelRdt', ({ linux }) => linux?.intelRdt?.enabled),
    row('memoryPolicy', ({ linux }) => (linux?.memoryPolicy ? true : undefined)),
    row('netDevices', ({ linux }) => linux?.netDevices?.enabled),
    row('checkpoint', ({ annotations }) => (annotations ? annotations[checkpoint] === 'true' : undefined)),
  ];
}

/** Sections of the specification in which not all pass all. */
function resultRows(): string[][] {
  const sections = [...new Set(checks.map(({ section }) => section))];
  const rows = sections.map((section) => {
    const ids = new Set(checks.filter((check) => check.section === section).map(({ id }) => id));
    return [section, ...runtimes.map(({ results }) => score(results, ids))];
  });
  const all = new Set(checks.map(({ id }) => id));
  const total = ['all', ...runtimes.map(({ results }) => score(results, all))];
  return [...rows.filter((row) => new Set(row.slice(1).map(isWhole)).has(false)), total];
}

function score(results: Results | undefined, ids: ReadonlySet<string>): string {
  const made = results?.results.filter(({ id, status }) => ids.has(id) && status !== 'skip') ?? [];
  if (made.length === 0) return '';
  return `${made.filter(({ status }) => status === 'pass').length}/${made.length}`;
}

function isWhole(cell: string): boolean {
  const [passed, made] = cell.split('/');
  return passed === made || cell === '';
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no';
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [titles, titles.map(() => '---'), ...rows].map(line).join('\n');
}
