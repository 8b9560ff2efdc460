// One trial: a config of some facets, the container that it becomes, and what is wrong with that.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exampleConfig } from '../../../src/config/spec.ts';
import { stringifyJson } from '../../../src/config/stringify.ts';
import { type Sandbox, TIMEOUT } from '../../container/harness.ts';
import type { Drawn, Expectation, Facet } from './facet.ts';
import { linuxFacets } from './linux-facets.ts';
import { mountFacets } from './mount-facets.ts';
import { processFacets } from './process-facets.ts';
import { Random } from './random.ts';
import { Seen } from './seen.ts';

/** In the order in which they are drawn: namespaces of users come first. */
export const facets: readonly Facet[] = [...linuxFacets, ...processFacets, ...mountFacets];

export interface Outcome {
  /** Why tsoci refuses it. */
  refused: string | undefined;
  complaints: string[];
  config: string;
}

/** `change` comes last, and spoils what facets expect. */
export interface Plan {
  seed: string;
  facets: readonly Facet[];
  change?: (config: Drawn) => unknown;
}

export function attempt(box: Sandbox, runtime: string, { seed, facets, change }: Plan): Outcome {
  const { config, expectations } = draw(seed, facets);
  const text = stringifyJson(change ? change(config) : config);
  box.write(text);
  const id = box.id();
  const errors = join(box.directory, 'errors');
  const run = (...words: string[]) => {
    // To a file: a pipe would be held open by the container.
    const stderr = openSync(errors, 'w');
    const stdio = ['ignore', stderr, stderr] as const;
    const { status } = spawnSync(runtime, ['--root', box.root, ...words], {
      cwd: box.bundle,
      timeout: TIMEOUT,
      stdio: [...stdio],
    });
    closeSync(stderr);
    return { status, told: readFileSync(errors, 'utf8') };
  };
  const complaints: string[] = [];
  const complain = (what: string, act: () => void) => {
    try {
      act();
    } catch (error) {
      complaints.push(`${what}: ${error instanceof Error ? error.message : error}`);
    }
  };
  let refused: string | undefined;
  for (const words of [
    ['create', id],
    ['start', id],
  ]) {
    const { status, told } = run(...words);
    if (status === 0) continue;
    refused = told.trim();
    if (status !== 1) complaints.push(`${words[0]} has exited ${status}`);
    const lines = refused.split('\n').filter((line) => !/^(?:tsoci: )?warning:/.test(line));
    if (refused === '' || lines.length > 1 || refused.includes('internal error'))
      complaints.push(`${words[0]} tells: ${refused}`);
    break;
  }
  if (refused === undefined && !change) {
    complain('state', () => {
      const { pid } = JSON.parse(run('state', id).told);
      const seen = new Seen(pid, id);
      for (const [name, expectation] of expectations) complain(name, () => expectation(seen));
    });
    complain('exec', () => {
      const [file, pidFile] = [join(box.directory, 'process.json'), join(box.directory, 'pid')];
      const { process, expectations } = drawExec(seed, config);
      writeFileSync(file, stringifyJson(process));
      const { status, told } = run('exec', '--detach', '--process', file, '--pid-file', pidFile, id);
      if (status !== 0) throw new Error(`it has exited ${status}: ${told}`);
      const seen = new Seen(Number(readFileSync(pidFile, 'utf8')), id);
      for (const [name, expectation] of expectations) complain(`exec: ${name}`, () => expectation(seen));
    });
  }
  const deleted = run('delete', '--force', id);
  if (refused === undefined && deleted.status !== 0) complaints.push(`delete tells: ${deleted.told}`);
  if (existsSync(join(box.root, id))) complaints.push(`${id} is left`);
  return { refused, complaints, config: text };
}

type Drawing = [facet: string, expectation: Expectation][];

function draw(seed: string, facets: readonly Facet[]): { config: Drawn; expectations: Drawing } {
  const config = exampleConfig() as Drawn;
  config.process = plainProcess();
  config.root = { path: 'rootfs', readonly: false };
  delete config.hostname;
  return { config, expectations: drawAll(seed, facets, config) };
}

function drawAll(seed: string, facets: readonly Facet[], config: Drawn): Drawing {
  return facets.map((facet) => [facet.name, facet.draw(new Random(`${seed} ${facet.name}`), config)]);
}

/** Another process for the same container. */
function drawExec(seed: string, config: Drawn): { process: Drawn['process']; expectations: Drawing } {
  const random = new Random(`${seed} exec`);
  const some = processFacets.filter(() => random.chance(40));
  const process = plainProcess();
  return { process, expectations: drawAll(`${seed} exec`, some, { ...config, process }) };
}

function plainProcess(): Drawn['process'] {
  return { user: { uid: 0, gid: 0 }, args: ['/bin/sleep', '1000'], env: ['PATH=/bin'], cwd: '/' };
}

/** The fewest facets with which something is wrong still. */
export function smallest(box: Sandbox, runtime: string, plan: Plan): Plan {
  let { facets } = plan;
  for (const facet of facets) {
    const fewer = facets.filter((other) => other !== facet);
    if (attempt(box, runtime, { ...plan, facets: fewer }).complaints.length > 0) facets = fewer;
  }
  return { ...plan, facets };
}
