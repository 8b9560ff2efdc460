// The entry of the program.

import { tsoci } from './cli/tsoci.ts';

// All output is written by then (src/cli/output.ts), so nothing is to be flushed.
tsoci(process.argv.slice(2)).then((status) => process.exit(status));
