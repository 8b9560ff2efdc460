// A criu that does nothing but talk, as FAKE_CRIU tells it to. What it is asked is appended to FAKE_CRIU_LOG, a line each.
//
//   node fake-criu.ts swrk FD

import { spawn } from 'node:child_process';
import { appendFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import {
  type Request,
  RequestType,
  type Response,
  requestForm,
  responseForm,
} from '../../src/criu/messages.ts';

/** What it may be told to do instead of its work: at its beginning, in its middle, at its end. */
export type Behaviour =
  | 'works'
  | 'is too old'
  | 'has no feature'
  | 'fails'
  | 'dies at once'
  | 'dies midway'
  | 'dies at the end'
  | 'hangs'
  | 'hangs midway'
  | 'talks rubbish';

const [, , , number = ''] = process.argv;
const socket = Number(number);
const {
  FAKE_CRIU: behaviour = 'works',
  FAKE_CRIU_LOG: log = '/dev/null',
  FAKE_CRIU_IMAGES: images = '',
} = process.env as { FAKE_CRIU?: Behaviour; FAKE_CRIU_LOG?: string; FAKE_CRIU_IMAGES?: string };

function receive(): Request {
  const buffer = Buffer.alloc(65_536);
  const length = readSync(socket, buffer);
  // Whoever asks has gone.
  if (length === 0) process.exit(1);
  const request = requestForm.decode(buffer.subarray(0, length));
  appendFileSync(log, `${JSON.stringify(request)}\n`);
  return request;
}

function send(response: Response): void {
  writeSync(socket, responseForm.encode(response));
}

function notify(script: string, pid?: number): void {
  send({ type: RequestType.NOTIFY, success: true, notify: { script, pid } });
  if (!receive().notify_success) process.exit(1);
}

/** Without waking up: whoever watches must see that nothing is done. */
function hang(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function dump({ opts = {} }: Request): void {
  if (images) writeFileSync(`${images}/pages-1.img`, 'memory');
  notify('network-lock');
  if (behaviour === 'dies midway') process.kill(process.pid, 'SIGKILL');
  if (behaviour === 'hangs midway') hang();
  if (opts.lazy_pages) notify('status-ready');
  notify('post-dump');
  if (opts.pid && !opts.leave_running) process.kill(opts.pid, 'SIGKILL');
}

/** What it restores is a process that sleeps. */
function restore(): number {
  const { pid = 0 } = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
  notify('setup-namespaces', pid);
  if (behaviour === 'dies midway') process.kill(process.pid, 'SIGKILL');
  if (behaviour === 'hangs midway') hang();
  notify('post-restore', pid);
  if (behaviour === 'dies at the end') process.kill(process.pid, 'SIGKILL');
  notify('post-resume');
  return pid;
}

function answer(request: Request): Response {
  const { type } = request;
  switch (type) {
    case RequestType.VERSION:
      return { version: { major_number: 3, minor_number: behaviour === 'is too old' ? 14 : 19 } };
    case RequestType.FEATURE_CHECK:
      return { features: behaviour === 'has no feature' ? {} : request.features };
    case RequestType.RESTORE:
      return { restore: { pid: restore() } };
    default:
      dump(request);
      return {};
  }
}

if (behaviour === 'dies at once') process.exit(3);
for (let more = true; more; ) {
  const request = receive();
  const works = request.keep_open !== true;
  if (works && behaviour === 'hangs') hang();
  if (works && behaviour === 'talks rubbish') writeSync(socket, Buffer.from([0x0a, 0xff]));
  else if (works && behaviour === 'fails') {
    const errors = ['(00.1) Error (criu/a.c:1): the first', '(00.2) Error (criu/a.c:2): Dumping FAILED.'];
    writeFileSync(`${images}/${request.opts?.log_file}`, errors.join('\n'));
    send({ type: request.type, success: false, cr_errno: 17 });
  } else send({ type: request.type, success: true, ...answer(request) });
  more = !works;
}
process.exit(0);
