// All checks, in the order of the specification.

import type { Check } from '../harness/check.ts';
import { checks as create } from './create.ts';
import { checks as delete_ } from './delete.ts';
import { checks as kill } from './kill.ts';
import { checks as start } from './start.ts';
import { checks as state } from './state.ts';

export const checks: readonly Check[] = [...state, ...create, ...start, ...kill, ...delete_];
