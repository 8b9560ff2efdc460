// tmpcopyup: a tmpfs that starts with what the image has at its place.
//
// Node copies, through /proc/PID/fd of init: the mount is not attached anywhere yet. Symlinks are copied as links, never followed.

import {
  chmodSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  type Stats,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { TsociError } from '../linux/errors.ts';

export function copyUp(initPid: number, target: number, mount: number, destination: string): void {
  const from = `/proc/${initPid}/fd/${target}`;
  const to = `/proc/${initPid}/fd/${mount}`;
  try {
    copyDirectory(from, to);
  } catch (error) {
    throw TsociError.from(`copy ${destination} up into its tmpfs`, error);
  }
}

function copyDirectory(from: string, to: string): void {
  for (const name of readdirSync(from)) copyEntry(`${from}/${name}`, `${to}/${name}`);
}

function copyEntry(from: string, to: string): void {
  const stat = lstatSync(from);
  if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
    lchownSync(to, stat.uid, stat.gid);
    return;
  }
  if (stat.isDirectory()) {
    mkdirSync(to);
    copyDirectory(from, to);
  } else if (stat.isFile()) {
    copyFileSync(from, to);
  } else {
    // Devices, sockets and pipes have no place in a tmpfs of an image.
    return;
  }
  keepAttributes(to, stat);
}

function keepAttributes(path: string, stat: Stats): void {
  lchownSync(path, stat.uid, stat.gid);
  chmodSync(path, stat.mode & 0o7777);
  utimesSync(path, stat.atime, stat.mtime);
}
