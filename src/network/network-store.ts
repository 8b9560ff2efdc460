// The record of a host's networks: one file, read and written under a lock.

import { closeSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { makeDirectories, removeFile } from '../linux/files.ts';
import { listOf, mapOf, objectOf, text, truth, wrongProperty } from '../linux/form.ts';
import { lockDirectory } from '../linux/lock.ts';
import { readTextFile } from '../linux/text-file.ts';
import type { Lease, Network, Networks, SegmentRecord } from './leases.ts';

/** Where the record is unless told otherwise. It is lost at a reboot, as the devices are. */
export const DEFAULT_DIRECTORY = '/run/tsoci-network';

const FILE = 'leases.json';

/** How long an attachment waits for its turn, in milliseconds: hundreds of containers may be started at once. */
const TIMEOUT = 120_000;

/** The shape of the file, for a later version that changes it. */
const VERSION = 1;

interface NetworksRecord {
  version: typeof VERSION;
  networks: Networks;
}

const lease = objectOf<Lease>({
  container: text,
  bundle: text,
  interface: text,
  device: text,
  addresses: listOf(text),
  masquerade: truth,
  publish: listOf(text),
  options: text,
  complete: truth,
});
const segment = objectOf<SegmentRecord>({ subnet: text, gateway: text, added: truth, last: text });
const network = objectOf<Network>({ made: truth, segments: listOf(segment), leases: listOf(lease) });
const forms = { version: (value: unknown) => value === VERSION, networks: mapOf(network) };

export interface Store {
  read(): Networks;
  /** Replaces the record. One without networks is removed. */
  write(networks: Networks): void;
}

/** The record as it is now, without a lock: its file is replaced whole. */
export function readNetworks(directory: string): Networks {
  return read(join(directory, FILE));
}

/**
 * Runs `body` while no other process has the record: attachments and detachments of a host happen one after another, so
 * that each sees bridges, leases and rules as a whole.
 */
export function withStore<T>(directory: string, body: (store: Store) => T): T {
  const fd = lock(directory);
  const file = join(directory, FILE);
  try {
    return body({ read: () => read(file), write: (networks) => write(file, networks) });
  } finally {
    removeIfEmpty(directory);
    closeSync(fd);
  }
}

/** Locks the directory, making it if need be: who held the lock before may have removed it. */
function lock(directory: string): number {
  for (;;) {
    try {
      makeDirectories(directory, 0o700);
    } catch (error) {
      throw TsociError.from(`make ${directory}`, error);
    }
    const fd = lockDirectory(directory, TIMEOUT);
    if (fd !== undefined) return fd;
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {}
}

function read(file: string): Networks {
  let json: string;
  try {
    json = readTextFile(file);
  } catch (error) {
    if (errnoOf(error) === ENOENT) return {};
    throw error;
  }
  let record: unknown;
  try {
    record = JSON.parse(json);
  } catch (error) {
    throw TsociError.from(`read ${file}`, error);
  }
  const wrong = wrongProperty<NetworksRecord>(record, forms);
  if (wrong === 'version') throw new TsociError(`read ${file}: it is not of version ${VERSION}`);
  if (wrong !== undefined) throw new TsociError(`read ${file}: its ${wrong} is damaged`);
  return (record as NetworksRecord).networks;
}

function write(file: string, networks: Networks): void {
  try {
    if (Object.keys(networks).length === 0) {
      removeFile(file);
      return;
    }
    const next = `${file}.next`;
    writeFileSync(next, `${JSON.stringify({ version: VERSION, networks }, null, 2)}\n`, { mode: 0o600 });
    renameSync(next, file);
  } catch (error) {
    throw TsociError.from(`write ${file}`, error);
  }
}
