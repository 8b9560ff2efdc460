// The entry of the runtime.

import { tsoci } from './cli/tsoci.ts';
import { beRuntime } from './launcher/runtime.ts';

await beRuntime(tsoci);
