// A bus with a systemd behind it, for one test: node systemd-fake.ts SOCKET LOG. A program of its own, since the client
// under test waits without an event loop. It answers method calls and appends each to LOG as a line of JSON.

import { appendFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import {
  decodeMessage,
  ERROR,
  encodeMessage,
  type Message,
  messageLength,
  SIGNAL,
} from '../../src/cgroups/systemd/bus-message.ts';
import { type Value, type Variant, variant } from '../../src/cgroups/systemd/marshal.ts';

const [socketPath = '', log = ''] = process.argv.slice(2);
const METHOD_RETURN = 2;
const JOB = '/org/freedesktop/systemd1/job/7';
/** Units that were not reset yet after they failed. */
const failed = new Set(['failed.scope']);
/** Documentation= of the units that were started, by their object paths. */
const units = new Map<string, Value>();

createServer((socket) => {
  let bytes = Buffer.alloc(0);
  let authenticated = false;
  socket.on('error', () => {});
  socket.on('data', (data: Buffer) => {
    bytes = Buffer.concat([bytes, data]);
    if (!authenticated) {
      const begin = bytes.indexOf('BEGIN\r\n');
      if (begin < 0) return;
      authenticated = true;
      const words = bytes.subarray(0, begin).toString();
      bytes = bytes.subarray(begin + 'BEGIN\r\n'.length);
      // systemd's private socket forgets a call that it reads together with BEGIN.
      const wellDone = words === '\0AUTH EXTERNAL\r\nDATA\r\n' && bytes.length === 0;
      socket.write(wellDone ? 'DATA\r\nOK 0123456789abcdef\r\n' : 'REJECTED\r\n');
    }
    for (let length = messageLength(bytes); length && bytes.length >= length; length = messageLength(bytes)) {
      answer(socket, decodeMessage(bytes.subarray(0, length)));
      bytes = bytes.subarray(length);
    }
  });
}).listen(socketPath, () => console.log('ready'));

const pathOf = (unit: string) => `/org/freedesktop/systemd1/unit/${Buffer.from(unit).toString('hex')}`;

function answer(socket: Socket, call: Message): void {
  const { member = '', destination, body } = call;
  const shown = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);
  appendFileSync(log, `${JSON.stringify({ member, destination, body }, shown)}\n`);
  const unit = String(body[0]);
  const reply = { serial: 1, replySerial: call.serial };
  if (member === 'StartTransientUnit' && failed.has(unit)) {
    return sendError(
      socket,
      reply,
      'org.freedesktop.systemd1.UnitExists',
      `Unit ${unit} was already loaded.`,
    );
  }
  if (member === 'StartTransientUnit') {
    units.set(pathOf(unit), propertyIn(body, 'Documentation'));
    // Never answered: who asks can be killed meanwhile.
    if (propertyIn(body, 'Description').includes('stall')) return;
  }
  if (member === 'GetUnit' && units.has(pathOf(unit)))
    return send(socket, { ...reply, signature: 'o', body: [pathOf(unit)] });
  if (member === 'Get') {
    const documentation = variant('as', units.get(call.path ?? '') ?? []);
    return send(socket, { ...reply, signature: 'v', body: [documentation] });
  }
  if (member === 'GetUnit' || (member === 'StopUnit' && unit === 'gone.scope'))
    return sendError(socket, reply, 'org.freedesktop.systemd1.NoSuchUnit', `Unit ${unit} not loaded.`);
  if (member === 'ResetFailedUnit') failed.delete(unit);
  const starts = member === 'StartTransientUnit' || member === 'StopUnit';
  // The end of another job, before the answer; then our own, in two pieces.
  if (starts) socket.write(jobRemoved('/org/freedesktop/systemd1/job/6', 'other.scope', 'failed'));
  const signature = starts ? 'o' : '';
  send(socket, { ...reply, signature, body: starts ? [JOB] : [] });
  if (!starts) return;
  const bytes = jobRemoved(JOB, unit, unit === 'broken.scope' ? 'failed' : 'done');
  socket.write(bytes.subarray(0, 20));
  setTimeout(() => socket.write(bytes.subarray(20)), 20);
}

/** All values that a property is given. */
function propertyIn([, , properties]: readonly Value[], wanted: string): Value[] {
  return (properties as [string, Variant][]).flatMap(([name, { value }]) => (name === wanted ? value : []));
}

function send(socket: Socket, reply: Omit<Message, 'type'>): void {
  socket.write(encodeMessage({ ...reply, type: METHOD_RETURN }));
}

function sendError(
  socket: Socket,
  reply: { serial: number; replySerial: number },
  name: string,
  text: string,
): void {
  socket.write(encodeMessage({ ...reply, type: ERROR, errorName: name, signature: 's', body: [text] }));
}

function jobRemoved(job: string, unit: string, result: string): Buffer {
  const body: Value[] = [7, job, unit, result];
  const path = '/org/freedesktop/systemd1';
  const header = { type: SIGNAL, serial: 2, path, interface: 'org.freedesktop.systemd1.Manager' };
  return encodeMessage({ ...header, member: 'JobRemoved', signature: 'uoss', body });
}
