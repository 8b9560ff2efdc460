// MUST statements of the specification without a check, and why. All others have one: inventory/verify.ts.

import type { Section } from '../harness/check.ts';

export interface Unchecked {
  section: Section;
  /** Ordinals of the statements in their section. */
  musts: readonly number[];
  requirement: string;
  reason: string;
}

const OTHER_PLATFORM = 'Not about Linux.';
const AUTHOR = 'A duty of who writes the configuration: a runtime need not know these keys.';
const RESCTRL = 'Needs a CPU with Resource Director Technology and resctrl mounted.';

export const unchecked: readonly Unchecked[] = [
  {
    section: 'config.md#root',
    musts: [1, 2, 5],
    requirement: 'root, root.path and root.readonly on Windows.',
    reason: OTHER_PLATFORM,
  },
  {
    section: 'config.md#mounts',
    musts: [3, 4, 5, 6, 7],
    requirement: 'Destinations and options of mounts on Windows, Solaris and other platforms.',
    reason: OTHER_PLATFORM,
  },
  {
    section: 'config.md#platform-specific-configuration',
    musts: [1],
    requirement: 'windows is set when the platform is Windows.',
    reason: OTHER_PLATFORM,
  },
  {
    section: 'config.md#annotations',
    musts: [4, 5, 6, 7, 8, 9, 10, 11, 12],
    requirement:
      'Annotations with keys of org.opencontainers have the meaning and the values of the image specification.',
    reason: AUTHOR,
  },
  {
    section: 'config-linux.md#namespace-lifecycle-and-container-termination',
    musts: [1],
    requirement: 'The runtime does not manage network devices inside the namespace of the container.',
    reason: 'Forbids everything that a runtime could do later; that the device stays is checked.',
  },
  {
    section: 'config-linux.md#memory',
    musts: [1],
    requirement: 'With checkBeforeUpdate, a runtime that checks rejects a limit below the usage.',
    reason: 'About the update of a container, which is no operation of the specification.',
  },
  {
    section: 'config-linux.md#intelrdt',
    musts: [1, 4, 7, 13, 14, 16, 17],
    requirement:
      'The container process is in the directory of closID, or of the container ID, which exists or is made.',
    reason: RESCTRL,
  },
  {
    section: 'config-linux.md#intelrdt',
    musts: [5, 6, 8, 9, 10, 11, 12, 15],
    requirement:
      'The schemata are valid, written in the given order, and compared with those of an existing directory.',
    reason: RESCTRL,
  },
  {
    section: 'config-linux.md#intelrdt',
    musts: [3],
    requirement: 'Without intelRdt, resctrl is left alone.',
    reason: RESCTRL,
  },
  {
    section: 'config-linux.md#intelrdt',
    musts: [18, 19],
    requirement:
      'The directory is removed with the container if and only if the runtime made it for the container ID.',
    reason: RESCTRL,
  },
  {
    section: 'config-linux.md#intelrdt',
    musts: [20, 21, 22, 23],
    requirement:
      'With enableMonitoring there is a MON group named by the container ID while the container exists.',
    reason: RESCTRL,
  },
];
