// The options that checkpoint and restore have in common.

import { join } from 'node:path';
import type { CriuSettings } from '../container/checkpoint/options.ts';
import type { Invocation } from './command.ts';
import type { Option } from './options.ts';
import { callerPath } from './paths.ts';

export const CRIU_OPTIONS = [
  {
    long: 'image-path',
    kind: 'string',
    placeholder: 'DIR',
    help: "the directory of the checkpoint's images (default: checkpoint in the working directory)",
  },
  {
    long: 'work-path',
    kind: 'string',
    placeholder: 'DIR',
    help: 'the directory of the log and of what criu keeps while it works (default: that of the images)',
  },
  { long: 'tcp-established', kind: 'flag', help: 'keep TCP connections open' },
  { long: 'tcp-close', kind: 'flag', help: 'close TCP connections' },
  { long: 'ext-unix-sk', kind: 'flag', help: 'allow Unix sockets that are connected with the outside' },
  { long: 'shell-job', kind: 'flag', help: 'allow a session or a terminal of the outside' },
  { long: 'file-locks', kind: 'flag', help: 'keep file locks, which nobody outside may hold' },
  {
    long: 'link-remap',
    kind: 'flag',
    help: 'keep files that are open and were removed, by another link to them',
  },
  {
    long: 'manage-cgroups-mode',
    kind: 'string',
    placeholder: 'MODE',
    choices: ['soft', 'full', 'strict', 'ignore'],
    default: 'soft',
    help: 'what becomes of cgroups and their limits: made where missing (soft), set as they were (full), refused where there (strict), left as they are (ignore)',
  },
  {
    long: 'empty-ns',
    kind: 'string',
    placeholder: 'NAMESPACE',
    choices: ['network'],
    help: 'leave the namespace empty: its interfaces and addresses are made by others',
  },
  { long: 'auto-dedup', kind: 'flag', help: 'punch out of the images of parents what later ones have' },
  { long: 'lazy-pages', kind: 'flag', help: 'bring memory over when it is needed (userfaultfd)' },
] as const satisfies readonly Option[];

export function criuSettings({
  caller,
  globals,
  values,
}: Pick<Invocation<typeof CRIU_OPTIONS>, 'caller' | 'globals' | 'values'>): CriuSettings {
  return {
    criu: globals.criu,
    imagePath: callerPath('image-path', values['image-path'], caller) ?? join(caller.cwd, 'checkpoint'),
    workPath: callerPath('work-path', values['work-path'], caller),
    tcpEstablished: values['tcp-established'],
    tcpClose: values['tcp-close'],
    extUnixSk: values['ext-unix-sk'],
    shellJob: values['shell-job'],
    fileLocks: values['file-locks'],
    linkRemap: values['link-remap'],
    manageCgroupsMode: values['manage-cgroups-mode'],
    emptyNetwork: values['empty-ns'] !== undefined,
    autoDedup: values['auto-dedup'],
    lazyPages: values['lazy-pages'],
  };
}
