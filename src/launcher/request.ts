// What a launcher tells its runtime first: what the caller gave to it.
//
// The first message is a header, with descriptors 0, 1 and 2 (SCM_RIGHTS):
//
//   offset  0  "tsoci 1" and a NUL
//           8  argc
//          12  envc
//          16  how many bytes of strings follow
//          20  the number in the launcher of this socket, which is no descriptor of the caller's
//
// Numbers have 32 bits. The messages behind it are the strings, argc + envc of them, each with a NUL behind it.
// launcher.c (send_request) encodes; decoded is here. After it programs go one way and replies the other (stub-x64.S).

import { SO_PEERCRED, SOL_SOCKET } from '../linux/constants.ts';
import { check, closeDescriptor, readable, receive, receiveDescriptors } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';

const MAGIC = 'tsoci 1\0';
const HEADER_SIZE = 24;
const [ARGC, ENVC, LENGTH, CONTROL] = [8, 12, 16, 20];
const STDIO = 3;
/** fs/exec.c (bprm_set_stack_limits): arguments and environment have three quarters of _STK_LIM at most, 8 MiB. */
const LONGEST = 8 << 20;
const doing = 'receive the request of the launcher';

export interface Request {
  /** The arguments behind the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Copies of its descriptors 0, 1 and 2. */
  readonly stdio: readonly [stdin: number, stdout: number, stderr: number];
  /** The number in the launcher of the other end of the socket. */
  readonly control: number;
  /** The launcher, as the kernel knows it. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Receives a request, in that many milliseconds at most; -1: it is waited for. */
export function receiveRequest(socket: number, milliseconds: number): Request {
  const end = performance.now() + milliseconds;
  const wait = () => {
    const left = milliseconds < 0 ? -1 : Math.max(0, end - performance.now());
    if (!readable(socket, left)) throw new TsociError(`${doing}: it does not come`);
  };
  wait();
  const header = Buffer.alloc(HEADER_SIZE);
  const { length, fds } = receiveDescriptors(socket, header, STDIO, doing);
  try {
    return decode(socket, header.subarray(0, length), fds, wait);
  } catch (error) {
    for (const fd of fds) closeDescriptor(fd);
    throw error;
  }
}

/** `wait` is called before each message that is received. */
function decode(socket: number, header: Buffer, fds: readonly number[], wait: () => void): Request {
  const [stdin, stdout, stderr] = fds;
  if (header.length !== HEADER_SIZE || header.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new TsociError(`${doing}: it is of another version of tsoci`);
  if (stdin === undefined || stdout === undefined || stderr === undefined)
    throw new TsociError(`${doing}: it came without descriptors: is RLIMIT_NOFILE too low?`);
  const length = header.readUInt32LE(LENGTH);
  if (length > LONGEST) throw new TsociError(`${doing}: it tells of ${length} bytes of strings`);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < bytes.length; ) {
    wait();
    const more = receive(socket, bytes.subarray(at), doing);
    if (more === 0) throw new TsociError(`${doing}: it has ended`);
    at += more;
  }
  const argc = header.readUInt32LE(ARGC);
  const strings = bytes.toString('utf8').split('\0', argc + header.readUInt32LE(ENVC));
  return {
    args: strings.slice(1, argc),
    env: environment(strings.slice(argc)),
    stdio: [stdin, stdout, stderr],
    control: header.readUInt32LE(CONTROL),
    ...peerOf(socket),
  };
}

/** Of a variable that is there twice, the first counts, as for getenv(3). */
function environment(strings: readonly string[]): Record<string, string> {
  const env: Record<string, string> = Object.create(null);
  for (const string of strings) {
    const equals = string.indexOf('=');
    if (equals > 0) env[string.slice(0, equals)] ??= string.slice(equals + 1);
  }
  return env;
}

/** struct ucred of unix(7): whoever made the socket pair, or connected. */
export function peerOf(socket: number): { pid: number; uid: number; gid: number } {
  const ucred = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(ucred.length);
  check('find out who started us', 'getsockopt', socket, SOL_SOCKET, SO_PEERCRED, ucred, length);
  return { pid: ucred.readUInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
}
