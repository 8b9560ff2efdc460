// What is timed.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addMounts, type Config, engineFilter, makeBundle } from './bundle.ts';

export interface Task {
  title: string;
  /** The command for a runtime, whose command line begins with `words`; `id` is of the container that is running. */
  command: (words: readonly string[], id: string) => string[];
  /** What goes before each run, and is not timed: a command like `command`. */
  prepare?: (words: readonly string[]) => string[];
  /** What goes behind all runs: a command, too. */
  cleanUp?: (words: readonly string[]) => string[];
  /** How many times the runtime itself is started in it. */
  invocations: number;
  /** A tenth of the usual number of runs is enough for what takes long. */
  long?: boolean;
  /** The bundle of a container that must be running. */
  running?: string;
}

export interface Bundles {
  true: string;
  sleep: string;
  seccomp: string | undefined;
  mounts: Map<number, string>;
}

/** The container of which each step is timed by itself. */
const STEP = 'step';

const mountCounts = [10, 100, 1000];
export const mostMounts = Math.max(...mountCounts);

/** Makes the bundles in `work`, with the root filesystem at `rootfs`. */
export function makeBundles(work: string, rootfs: string, resources: boolean): Bundles {
  const make = (name: string, edit: (config: Config) => void = () => {}) =>
    makeBundle(join(work, name), rootfs, (config) => {
      if (!resources) delete config.linux.resources;
      edit(config);
    });
  const filter = engineFilter();
  return {
    true: make('true'),
    sleep: make('sleep', (config) => {
      config.process.args = ['/bin/sleep', '1000'];
    }),
    seccomp: filter
      ? make('seccomp', (config) => {
          config.linux.seccomp = filter;
        })
      : undefined,
    mounts: new Map(
      mountCounts.map((count) => [
        count,
        make(`mounts-${count}`, (config) => addMounts(config, count, work)),
      ]),
    ),
  };
}

export function tasks(bundles: Bundles, work: string): Task[] {
  const script = (name: string, text: string) => {
    const file = join(work, name);
    writeFileSync(file, `#!/bin/sh\n${text}`);
    chmodSync(file, 0o755);
    return file;
  };
  const running = bundles.sleep;
  const life = script('life', lifeScript(bundles.true));
  const row = script('row', rowScript(bundles.sleep, 100));
  const crowd = script('crowd', crowdScript(bundles.true, 20));
  const lanes = script('lanes', lanesScript(bundles.sleep, 100, 10));
  const remove = `"$@" delete --force ${STEP} >/dev/null 2>&1\n`;
  const create = `"$@" create --bundle ${bundles.true} ${STEP} </dev/null`;
  const gone = script('gone', `${remove}true\n`);
  const created = script('created', `${remove}${create} >/dev/null 2>&1\n`);
  // The pipe ends with the process.
  const ended = script('ended', `${remove}{ ${create} && "$@" start ${STEP}; } 2>&1 | cat\n`);
  const run = (bundle: string) => (words: readonly string[]) => [
    ...words,
    'run',
    '--bundle',
    bundle,
    'timed',
  ];
  return [
    { title: 'state', command: (words, id) => [...words, 'state', id], invocations: 1, running },
    {
      title: 'exec /bin/true',
      command: (words, id) => [...words, 'exec', id, '/bin/true'],
      invocations: 1,
      running,
    },
    { title: 'run /bin/true', command: run(bundles.true), invocations: 1 },
    { title: 'create, start, delete', command: (words) => [life, ...words], invocations: 3 },
    ...[
      { title: 'create', prepare: gone, args: ['create', '--bundle', bundles.true, STEP] },
      { title: 'start', prepare: created, args: ['start', STEP] },
      { title: 'delete', prepare: ended, args: ['delete', '--force', STEP] },
    ].map(({ title, prepare, args }) => ({
      title: `${title}, by itself`,
      prepare: (words: readonly string[]) => [prepare, ...words],
      cleanUp: (words: readonly string[]) => [gone, ...words],
      command: (words: readonly string[]) => [...words, ...args],
      invocations: 1,
    })),
    ...(bundles.seccomp
      ? [{ title: "run, with an engine's seccomp filter", command: run(bundles.seccomp), invocations: 1 }]
      : []),
    ...[...bundles.mounts].map(([count, bundle]) => ({
      title: `run, with ${count} more mounts`,
      command: run(bundle),
      invocations: 1,
      long: count >= 1000,
    })),
    { title: '20 times run, at once', command: (words) => [crowd, ...words], invocations: 20, long: true },
    {
      title: '100 containers, 10 at a time: create, start, delete',
      command: (words) => [lanes, ...words],
      invocations: 300,
      long: true,
    },
    {
      title: '100 containers: create and start all, then delete all',
      command: (words) => [row, ...words],
      invocations: 300,
      long: true,
    },
  ];
}

/** The pipe's end says that the process is gone; its zombie may still be there for a moment, hence the loop. */
function lifeScript(bundle: string): string {
  return `{ "$@" create --bundle ${bundle} life && "$@" start life; } | cat
until "$@" delete life 2>/dev/null; do :; done
`;
}

function rowScript(bundle: string, count: number): string {
  return `for i in $(seq ${count}); do
  "$@" create --bundle ${bundle} row-$i </dev/null >/dev/null 2>&1 && "$@" start row-$i || exit 1
done
for i in $(seq ${count}); do "$@" delete --force row-$i || exit 1; done
`;
}

function lanesScript(bundle: string, count: number, lanes: number): string {
  const one = `id=$0 && "$@" create --bundle ${bundle} $id </dev/null >/dev/null 2>&1 && "$@" start $id && "$@" delete --force $id`;
  return `seq -f lane-%g ${count} | xargs -P ${lanes} -I ID sh -c '${one}' ID "$@"\n`;
}

function crowdScript(bundle: string, count: number): string {
  return `for i in $(seq ${count}); do "$@" run --bundle ${bundle} crowd-$i & done
wait
`;
}
