// Messages of Protocol Buffers, as far as criu's have need of it. A message is a row of fields:
//
//   varint  number << 3 | wire type     0: the value is a varint; 2: a length follows, then so many bytes
//           the value
//
// A varint has seven bits in each byte, the lowest first; the eighth says that more follow. A negative number has 64 bits.
// Strings and messages within messages have a length. A field that is repeated comes several times.

/** How a value is written and read. */
interface Form<T> {
  readonly wire: 0 | 2;
  encode(value: T): Buffer;
  decode(bytes: Buffer): T;
}

interface Field<T> {
  readonly number: number;
  readonly form: Form<T>;
  readonly repeated: boolean;
}

interface Repeated<T> extends Field<T> {
  readonly repeated: true;
}

type Fields = Readonly<Record<string, Field<unknown>>>;

/** A message as an object. A field that has not come is undefined. */
export type MessageOf<F> = {
  [Name in keyof F]?: F[Name] extends Repeated<infer T>
    ? readonly T[]
    : F[Name] extends Field<infer T>
      ? T | undefined
      : never;
};

const VARINT = 0;
const LENGTH = 2;
/** Wire types that only fields have that are passed over. */
const [FIXED64, FIXED32] = [1, 5];
const LONGEST_VARINT = 10;

export const int32: Form<number> = {
  wire: VARINT,
  encode: (value) => varint(BigInt.asUintN(64, BigInt(value))),
  decode: (bytes) => Number(BigInt.asIntN(32, bytes.readBigUInt64LE())),
};

export const uint32: Form<number> = {
  ...int32,
  decode: (bytes) => Number(BigInt.asUintN(32, bytes.readBigUInt64LE())),
};

export const bool: Form<boolean> = {
  wire: VARINT,
  encode: (value) => varint(value ? 1n : 0n),
  decode: (bytes) => bytes.readBigUInt64LE() !== 0n,
};

export const string: Form<string> = {
  wire: LENGTH,
  encode: (value) => Buffer.from(value),
  decode: (bytes) => bytes.toString(),
};

export function field<T>(number: number, form: Form<T>): Field<T> {
  return { number, form, repeated: false };
}

export function repeated<T>(number: number, form: Form<T>): Repeated<T> {
  return { number, form, repeated: true };
}

/** The form of a message by the table of its fields. Fields that it does not know are passed over. */
export function message<F extends Record<keyof F, Field<unknown>>>(fields: F): Form<MessageOf<F>> {
  return {
    wire: LENGTH,
    encode: (value) => encodeFields(fields, value as Record<string, unknown>),
    decode: (bytes) => decodeFields(fields, bytes) as MessageOf<F>,
  };
}

function encodeFields(fields: Fields, message: Record<string, unknown>): Buffer {
  const parts = Object.entries(fields).flatMap(([name, { number, form, repeated }]) => {
    const value = message[name];
    const values = value === undefined ? [] : repeated ? (value as unknown[]) : [value];
    return values.flatMap((one) => {
      const encoded = form.encode(one);
      const length = form.wire === LENGTH ? [varint(BigInt(encoded.length))] : [];
      return [varint(BigInt((number << 3) | form.wire)), ...length, encoded];
    });
  });
  return Buffer.concat(parts);
}

function decodeFields(fields: Fields, bytes: Buffer): Record<string, unknown> {
  const byNumber = new Map(Object.entries(fields).map(([name, field]) => [field.number, { name, field }]));
  const message: Record<string, unknown> = {};
  for (let at = 0; at < bytes.length; ) {
    const key = readVarint(bytes, at);
    const wire = Number(key.value & 7n);
    const content = readContent(bytes, key.end, wire);
    at = content.end;
    const known = byNumber.get(Number(key.value >> 3n));
    if (!known || known.field.form.wire !== wire) continue;
    const { name, field } = known;
    const value: unknown = field.form.decode(content.value);
    message[name] = field.repeated ? [...((message[name] as unknown[]) ?? []), value] : value;
  }
  return message;
}

/** A number as eight bytes, else the bytes as they are. */
function readContent(bytes: Buffer, at: number, wire: number): { value: Buffer; end: number } {
  if (wire === VARINT) {
    const { value, end } = readVarint(bytes, at);
    const number = Buffer.alloc(8);
    number.writeBigUInt64LE(BigInt.asUintN(64, value));
    return { value: number, end };
  }
  let [start, length] = [at, wire === FIXED64 ? 8 : wire === FIXED32 ? 4 : -1];
  if (wire === LENGTH) {
    const { value, end } = readVarint(bytes, at);
    [start, length] = [end, Number(value)];
  }
  if (length < 0 || start + length > bytes.length) throw new RangeError('a field is cut off');
  return { value: bytes.subarray(start, start + length), end: start + length };
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function readVarint(bytes: Buffer, at: number): { value: bigint; end: number } {
  let value = 0n;
  for (let i = 0; i < LONGEST_VARINT; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  throw new RangeError('a number is cut off');
}
