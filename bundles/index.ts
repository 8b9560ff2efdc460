// The bundles by name.

import type { Bundle } from './bundle.ts';
import { hello } from './hello/bundle.ts';
import { hooks } from './hooks/bundle.ts';
import { limits } from './limits/bundle.ts';
import { network } from './network/bundle.ts';
import { overlay } from './overlay/bundle.ts';
import { pod } from './pod/bundle.ts';
import { rootless } from './rootless/bundle.ts';
import { seccomp } from './seccomp/bundle.ts';
import { shell } from './shell/bundle.ts';
import { time } from './time/bundle.ts';

export const bundles: Readonly<Record<string, Bundle>> = {
  hello,
  shell,
  rootless,
  limits,
  overlay,
  network,
  pod,
  seccomp,
  hooks,
  time,
};
