// npm run demo: one container, without a download. It shows its own processes, namespaces and mounts.

import { hello } from '../bundles/hello/bundle.ts';
import { runBundle } from '../bundles/run.ts';

try {
  process.exitCode = runBundle(hello);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
