// Whether state.json has the form of a record. One that was damaged must neither crash a command nor make it work on
// what is not the container's: kill(2) takes a pid of -1 for every process.

import {
  count,
  type Form,
  type Forms,
  listOf,
  mapOf,
  objectOf,
  optional,
  text,
  truth,
  wrongProperty,
} from '../../linux/form.ts';
import type { ContainerRecord, SavedOperation } from './record.ts';

const path: Form = (value) => typeof value === 'string' && value.startsWith('/');
const positive: Form = (value) => count(value) && value !== 0;

const process = objectOf<NonNullable<ContainerRecord['init']>>({ pid: positive, startTime: count });
const hook = objectOf({
  path,
  args: optional(listOf(text)),
  env: optional(listOf(text)),
  timeout: optional(count),
});
const operation = objectOf<SavedOperation>({
  doing: text,
  ignored: listOf(count),
  property: optional(text),
  executes: optional(text),
});
const hooks = optional(listOf(hook));

const record: Forms<ContainerRecord> = {
  ociVersion: text,
  id: text,
  bundle: path,
  rootfs: path,
  annotations: optional(mapOf(text)),
  created: text,
  owner: count,
  creator: optional(process),
  init: optional(process),
  cgroup: optional(path),
  cgroupInode: optional(count),
  unit: optional(objectOf<NonNullable<ContainerRecord['unit']>>({ name: text, user: truth, mark: text })),
  intelRdt: optional(objectOf({ closDirectory: optional(path), monDirectory: optional(path) })),
  hooks: optional(objectOf({ startContainer: hooks, poststart: hooks, poststop: hooks })),
  stdio: optional(listOf(text)),
  startable: truth,
  ownNamespace: optional((value) => value === 'mount' || value === 'pid'),
  pidInside: optional(positive),
  keyring: truth,
  setgroupsDenied: optional(truth),
  control: optional(count),
  program: optional(listOf(operation)),
};

/** A text as the record of the container `id`, or what of it is wrong: "init", for example. */
export function parseRecord(json: string, id: string): { record: ContainerRecord } | { wrong: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { wrong: 'content' };
  }
  const wrong = wrongProperty(value, { ...record, id: (found) => found === id });
  return wrong === undefined ? { record: value as ContainerRecord } : { wrong };
}
