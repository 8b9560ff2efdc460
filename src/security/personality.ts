// linux.personality (config-linux.md#personality, personality(2)).

import type { Personality } from '../config/generated/types.ts';
import { TsociError } from '../linux/errors.ts';
import type { Program } from '../stub/program.ts';

/** linux/personality.h: PER_LINUX, PER_LINUX32. */
const domains: Readonly<Record<string, number>> = { LINUX: 0x0, LINUX32: 0x8 };

export function setPersonality(program: Program, config: Personality | undefined): void {
  if (!config) return;
  const { domain, flags = [] } = config;
  const doing = `set personality ${domain}`;
  const persona = domains[domain];
  if (persona === undefined) throw new TsociError(`${doing}: unknown domain`);
  if (flags.length > 0) throw new TsociError(`${doing}: no flags are defined, but ${flags.join(', ')} given`);
  program.call('personality', [persona], doing);
}
