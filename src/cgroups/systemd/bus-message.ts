// D-Bus messages (D-Bus specification, "Message Protocol").

import { TsociError } from '../../linux/errors.ts';
import { Reader, type Value, type Variant, variant, Writer } from './marshal.ts';

export const METHOD_CALL = 1;
export const ERROR = 3;
export const SIGNAL = 4;

export interface Message {
  readonly type: number;
  readonly serial: number;
  readonly path?: string | undefined;
  readonly interface?: string | undefined;
  readonly member?: string | undefined;
  readonly errorName?: string | undefined;
  readonly replySerial?: number | undefined;
  readonly destination?: string | undefined;
  readonly signature?: string | undefined;
  readonly body: readonly Value[];
}

/** Header fields: code, name here, type. */
const FIELDS = [
  [1, 'path', 'o'],
  [2, 'interface', 's'],
  [3, 'member', 's'],
  [4, 'errorName', 's'],
  [5, 'replySerial', 'u'],
  [6, 'destination', 's'],
  [8, 'signature', 'g'],
] as const;

const LITTLE_ENDIAN = 'l'.charCodeAt(0);
const VERSION = 1;
const FIXED_HEADER = 'yyyyuu';
/** Type, flags, version, length of the body, serial, length of the fields. */
const PREFIX = 16;
/** What the specification allows. */
const LONGEST = 1 << 27;

export function encodeMessage(message: Message): Buffer {
  const body = new Writer();
  body.values(message.signature ?? '', message.body);
  const header = new Writer();
  header.values(FIXED_HEADER, [LITTLE_ENDIAN, message.type, 0, VERSION, body.bytes().length, message.serial]);
  const fields = FIELDS.flatMap(([code, name, type]) => {
    const value = message[name];
    return value === undefined || value === '' ? [] : [[code, variant(type, value)]];
  });
  header.value('a(yv)', fields);
  header.align(8);
  return Buffer.concat([header.bytes(), body.bytes()]);
}

/** How long the message is that `bytes` begin; undefined while that is not to be seen yet. */
export function messageLength(bytes: Buffer): number | undefined {
  if (bytes.length < PREFIX) return undefined;
  if (bytes[0] !== LITTLE_ENDIAN) throw new TsociError('the bus sends messages that are not little-endian');
  const fields = bytes.readUInt32LE(12);
  const length = Math.ceil((PREFIX + fields) / 8) * 8 + bytes.readUInt32LE(4);
  if (length > LONGEST) throw new TsociError(`the bus sends a message of ${length} bytes`);
  return length;
}

export function decodeMessage(bytes: Buffer): Message {
  const reader = new Reader(bytes);
  const [, type, , , , serial] = reader.values(FIXED_HEADER);
  const found: Record<string, Value> = {};
  for (const [code, { signature, value }] of reader.value('a(yv)') as [number, Variant][]) {
    const [, name, type] = FIELDS.find((field) => field[0] === code) ?? [];
    if (name === undefined) continue;
    if (signature !== type) throw new TsociError(`a D-Bus message has a ${name} of the type ${signature}`);
    found[name] = value;
  }
  const signature = typeof found.signature === 'string' ? found.signature : '';
  const body = new Reader(bytes, reader.align(8)).values(signature);
  return { ...found, type: Number(type), serial: Number(serial), signature, body };
}
