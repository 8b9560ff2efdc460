// All that would not work of a bundle on this host: a plan is made again and again, each time without what was found.

import { basename, dirname } from 'node:path';
import type { Finding } from '../config/finding.ts';
import type { Config } from '../config/generated/types.ts';
import { pointerOf, withPlaces } from '../config/places.ts';
import { soundPart } from '../config/validate.ts';
import { bundleOf } from '../container/create/bundle.ts';
import { prepareBundle } from '../container/create/creation.ts';
import type { CreateOptions } from '../container/create/options.ts';
import { HookError } from '../hooks/hooks.ts';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';
import { Work } from '../linux/progress.ts';
import { readTextFile } from '../linux/text-file.ts';
import { checkListener } from './host-checks.ts';
import { simulate } from './plan-container.ts';
import { ConfigWithout } from './without.ts';

/** More than a person reads. */
const MOST = 100;

/** What of the command line decides how a container is made. */
export type HostOptions = Pick<CreateOptions, 'root' | 'cgroupManager' | 'rootless'>;

/** The findings about a configuration, with those of its bundle on this host. */
export async function withHostProblems(
  caller: Caller,
  options: HostOptions,
  file: string,
  findings: readonly Finding[],
): Promise<Finding[]> {
  const text = readTextFile(file);
  const config = soundPart(text, findings);
  if (!config) return [...findings];
  const problems = await findProblems(caller, options, dirname(file), config);
  // That a source or a hook is missing is told once.
  const repeated = ({ level, pointer }: Finding) =>
    level === 'warning' &&
    /^\/(mounts\/\d+\/source|hooks\/\w+\/\d+\/path)$/.test(pointer) &&
    problems.some((problem) => pointer.startsWith(`${problem.pointer}/`));
  return [...findings.filter((finding) => !repeated(finding)), ...withPlaces(problems, text)];
}

async function findProblems(
  caller: Caller,
  { root, cgroupManager, rootless }: HostOptions,
  bundle: string,
  config: Config,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const rest = new ConfigWithout(config);
  const add = (level: Finding['level'], error: TsociError): string => {
    const pointer = pointerOf(propertyOf(error) ?? '');
    const problem = `does not work on this host: ${error.message}`;
    findings.push({ level, pointer: rest.original(pointer), problem, expected: '' });
    return pointer;
  };
  const quiet: Caller = Object.create(caller, { warn: { value: () => {} } });
  const options: CreateOptions = {
    ...{ root, cgroupManager, rootless, bundle },
    id: basename(bundle),
    preserveFds: 0,
    overlay: false,
    noPivot: false,
    noNewKeyring: false,
    systemdCgroup: cgroupManager === 'systemd',
  };
  using work = new Work('look for what does not work on this host');
  while (findings.length < MOST) {
    work.at(() => `${findings.length} found`);
    /** Those of poststop hooks, which keep nothing from working. */
    const failed: TsociError[] = [];
    try {
      checkListener(rest.config);
      const creation = await prepareBundle(quiet, options, bundleOf(bundle, rest.config, NO_SOURCE));
      simulate(quiet, options, creation, (error) => {
        if (error instanceof TsociError) failed.push(error);
      });
      for (const error of failed) add('warning', error);
      break;
    } catch (error) {
      if (!(error instanceof TsociError)) throw error;
      if (!rest.remove(add('error', error))) break;
    }
  }
  return findings;
}

/** Places are found in the text, by the pointers that things have there. */
const NO_SOURCE = { file: '', text: '' };

function propertyOf(error: TsociError): string | undefined {
  return error instanceof HookError ? error.hook : error.property;
}
