import { defineCommand } from '../command.ts';
import { callerPath } from '../paths.ts';
import { findTargets } from '../targets.ts';

export const command = defineCommand({
  name: 'explain',
  summary: 'show what confines a running process, and where it differs from config.json',
  description:
    "Shows what confines a process, of a container of tsoci or by its pid of any runtime: user and mappings, capabilities, seccomp, LSM label, namespaces against the caller's, mounts, limits beside use, rlimits, and open files of the host. What differs from its config.json comes last: that of the container's create, or of the bundle that --bundle names.",
  operands: ['CONTAINER|PID'],
  options: [
    { long: 'json', kind: 'flag', help: 'show it as JSON' },
    {
      long: 'bundle',
      short: 'b',
      kind: 'string',
      placeholder: 'DIR',
      help: 'compare with the config.json of this bundle, or with this file',
    },
    {
      long: 'against',
      kind: 'string',
      placeholder: 'ID|PID',
      help: 'tell which namespaces it shares with this container or process',
    },
  ],
  examples: [
    { does: 'show what confines the container web', line: 'explain web' },
    {
      does: 'compare a process of another runtime with its bundle',
      line: 'explain --bundle /bundles/web 4242',
    },
  ],
  async run({ caller, globals: { root }, values: { json, bundle, against }, operands }) {
    const { explain, explanationToJson } = await import('../../explain/explain.ts');
    const { explanationText } = await import('../../explain/explain-text.ts');
    const { containerConfig, readConfig } = await import('../../explain/sides.ts');
    const targets = await findTargets(root, against === undefined ? operands : [...operands, against]);
    for (const target of targets.slice(0, operands.length)) {
      const path = callerPath('bundle', bundle, caller);
      const config = path === undefined ? containerConfig(root, target.name) : readConfig(path);
      const other = against === undefined ? undefined : targets.at(-1);
      const explanation = explain({ ...target, config }, other);
      const shown = json
        ? `${JSON.stringify(explanationToJson(explanation), null, 2)}\n`
        : explanationText(explanation);
      caller.write(caller.stdio[1], shown);
    }
    return 0;
  },
});
