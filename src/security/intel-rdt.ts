// linux.intelRdt: cache and memory bandwidth through the resctrl filesystem (config-linux.md#intelrdt; the kernel's
// Documentation/filesystems/resctrl.rst).

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IntelRdt } from '../config/generated/types.ts';
import { TsociError } from '../linux/errors.ts';
import { parseMountinfo } from '../linux/mountinfo.ts';
import { step } from '../linux/steps.ts';
import { differences } from './schemata.ts';

/** What was made for a container, to be kept in its state and removed with it. */
export interface IntelRdtGroups {
  /** The class of service that was created because the config names none. */
  readonly closDirectory?: string;
  /** The monitoring group. */
  readonly monDirectory?: string;
}

/** Where resctrl is mounted, from a /proc/PID/mountinfo (proc_pid_mountinfo(5)); undefined when it is not. */
export function findResctrl(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): string | undefined {
  return parseMountinfo(mountinfo).find(({ type }) => type === 'resctrl')?.mountPoint;
}

/** Checks what needs no resctrl: before anything is created. */
export function checkIntelRdt(config: IntelRdt): void {
  const { closID, l3CacheSchema, memBwSchema, schemata = [] } = config;
  if (closID !== undefined && closID !== '/' && !isName(closID))
    throw new TsociError(`intelRdt: closID ${JSON.stringify(closID)} is no name of a directory, nor /`);
  for (const [name, line] of [
    ['l3CacheSchema', l3CacheSchema],
    ['memBwSchema', memBwSchema],
    ...schemata.map((line): [string, string] => ['schemata', line]),
  ] as const) {
    if (line?.includes('\n')) throw new TsociError(`intelRdt: ${name} contains a newline`);
  }
  if (memBwSchema && !memBwSchema.startsWith('MB:'))
    throw new TsociError(`intelRdt: memBwSchema ${JSON.stringify(memBwSchema)} does not start with MB:`);
}

/**
 * Puts a process into its class of service, made or found by the rules of the specification, and into a monitoring
 * group if the config says so. `resctrl` is what findResctrl found. What was made is removed again on an error.
 */
export function applyIntelRdt(
  config: IntelRdt,
  { id, pid, resctrl }: { id: string; pid: number; resctrl: string | undefined },
): IntelRdtGroups {
  checkIntelRdt(config);
  if (resctrl === undefined) throw notMounted();
  const lines = schemataLines(config);
  const directory = classDirectory(config, id, resctrl);
  const created = openClass(config, directory, lines);
  let monDirectory: string | undefined;
  try {
    if (lines.length > 0) writeSchemata(resctrl, directory, lines);
    if (config.enableMonitoring) {
      const path = join(directory, 'mon_groups', id);
      makeDirectory(path, 'make monitoring group');
      monDirectory = path;
    }
    writeTask(directory, pid);
    if (monDirectory) writeTask(monDirectory, pid);
  } catch (error) {
    if (monDirectory) removeDirectory(monDirectory);
    if (created) removeDirectory(directory);
    throw error;
  }
  return {
    ...(created && config.closID === undefined ? { closDirectory: directory } : {}),
    ...(monDirectory === undefined ? {} : { monDirectory }),
  };
}

/**
 * Puts another process of the container into its class of service and its monitoring group, as runc does. One that is
 * gone is none to join: the kernel has put the processes of the container into the default group.
 */
export function joinIntelRdt(
  config: IntelRdt,
  { monDirectory }: IntelRdtGroups,
  { id, pid, resctrl }: { id: string; pid: number; resctrl: string | undefined },
): void {
  if (resctrl === undefined) return;
  for (const directory of [classDirectory(config, id, resctrl), monDirectory]) {
    if (directory !== undefined && existsSync(directory)) writeTask(directory, pid);
  }
}

/** Gives the class of service of the container `id`, whose config has `config`, the schemas of `changes`. */
export function updateIntelRdt(
  config: IntelRdt | undefined,
  changes: Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'>,
  { id, resctrl }: { id: string; resctrl: string | undefined },
): void {
  checkIntelRdt(changes);
  if (!config) throw new TsociError(`intelRdt: the config of ${id} has no linux.intelRdt to update`);
  if (resctrl === undefined) throw notMounted();
  writeSchemata(resctrl, classDirectory(config, id, resctrl), schemataLines(changes));
}

function notMounted(): TsociError {
  return new TsociError(
    'intelRdt: no resctrl filesystem is mounted; it takes a CPU with RDT and mount -t resctrl resctrl /sys/fs/resctrl',
  );
}

function classDirectory({ closID }: IntelRdt, id: string, resctrl: string): string {
  return closID === '/' ? resctrl : join(resctrl, closID ?? id);
}

/** Removes what applyIntelRdt made. What is gone already is no error. */
export function removeIntelRdt({ monDirectory, closDirectory }: IntelRdtGroups): void {
  if (monDirectory) removeDirectory(monDirectory);
  if (closDirectory) removeDirectory(closDirectory);
}

/** The lines for the schemata file, in the order of the specification. */
function schemataLines({ l3CacheSchema, memBwSchema, schemata = [] }: IntelRdt): string[] {
  return [l3CacheSchema, memBwSchema, ...schemata].filter((line): line is string => !!line);
}

/**
 * Makes the class's directory, or checks the one that is there: its L3 and MB lines must be as the config has them.
 * True when it was made.
 */
function openClass(config: IntelRdt, directory: string, lines: readonly string[]): boolean {
  const { closID, l3CacheSchema, memBwSchema } = config;
  if (!existsSync(directory)) {
    if (closID !== undefined && lines.length === 0)
      throw new TsociError(`intelRdt: class of service ${closID} does not exist, and no schema is given`);
    makeDirectory(directory, 'make class of service');
    return true;
  }
  const compared = [l3CacheSchema, memBwSchema].filter((line): line is string => !!line);
  if (closID === undefined || compared.length === 0) return false;
  const present = readSchemata(directory);
  for (const line of compared) {
    const found = differences(line, present);
    if (found) throw new TsociError(`intelRdt: class of service ${closID} has other schemata: ${found}`);
  }
  return false;
}

function readSchemata(directory: string): string {
  const file = join(directory, 'schemata');
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw TsociError.from(`read ${file}`, error);
  }
}

/** One write with all lines, of which the kernel takes each in its order; its own words about a refusal. */
function writeSchemata(resctrl: string, directory: string, lines: readonly string[]): void {
  const text = `${lines.join('\n')}\n`;
  step(`write ${JSON.stringify(text)} to ${directory}/schemata`);
  try {
    writeFileSync(join(directory, 'schemata'), text);
  } catch (error) {
    const status = lastStatus(resctrl);
    throw TsociError.from(`write ${JSON.stringify(text)} to ${directory}/schemata`, error, status);
  }
}

function lastStatus(resctrl: string): string | undefined {
  try {
    return readFileSync(join(resctrl, 'info/last_cmd_status'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

function writeTask(directory: string, pid: number): void {
  step(`write ${pid} to ${directory}/tasks`);
  try {
    writeFileSync(join(directory, 'tasks'), String(pid));
  } catch (error) {
    throw TsociError.from(`write ${pid} to ${directory}/tasks`, error);
  }
}

function makeDirectory(path: string, doing: string): void {
  step(`${doing} ${path}`);
  try {
    mkdirSync(path);
  } catch (error) {
    throw TsociError.from(`${doing} ${path}`, error);
  }
}

function removeDirectory(path: string): void {
  step(`remove ${path}`);
  try {
    rmdirSync(path);
  } catch (error) {
    if (existsSync(path)) throw TsociError.from(`remove ${path}`, error);
  }
}

function isName(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\n');
}
