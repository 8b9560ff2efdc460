// D-Bus values and their bytes (D-Bus specification, "Marshaling (Wire Format)"), little-endian as all our machines are.

import { TsociError } from '../../linux/errors.ts';

/** A value of the type that a signature beside it tells; what a variant holds tells its own. */
export type Value = string | number | bigint | boolean | Variant | readonly Value[];

export interface Variant {
  readonly signature: string;
  readonly value: Value;
}

export const variant = (signature: string, value: Value): Variant => ({ signature, value });

/** The size of a number in bytes, which is its alignment too. */
const NUMBERS: Readonly<Record<string, number>> = {
  y: 1,
  n: 2,
  q: 2,
  i: 4,
  u: 4,
  b: 4,
  h: 4,
  x: 8,
  t: 8,
  d: 8,
};

/** The specification's bound for containers in containers: 32 arrays and 32 structures, and 64 with variants. */
const DEEPEST = 64;
/** Bytes of a signature. */
const LONGEST_SIGNATURE = 255;

/** Strings with a length of 32 bits, and the one type whose length has 8. */
const STRINGS = 'so';
const SIGNATURE = 'g';

/** The complete types that a signature consists of: "sa(sv)u" is "s", "a(sv)" and "u". */
export function completeTypes(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = typeEnd(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function typeEnd(signature: string, start: number): number {
  const code = signature[start];
  if (code === 'a') return typeEnd(signature, start + 1);
  if (code === '(' || code === '{') {
    const close = code === '(' ? ')' : '}';
    let at = start + 1;
    // One without members has no bytes: an array could hold any number of them.
    if (signature[at] === close) throw malformed(signature);
    while (signature[at] !== close) at = typeEnd(signature, at);
    return at + 1;
  }
  if (
    code === undefined ||
    !(code in NUMBERS || STRINGS.includes(code) || code === SIGNATURE || code === 'v')
  )
    throw malformed(signature);
  return start + 1;
}

function malformed(signature: string): TsociError {
  return new TsociError(`D-Bus signature ${JSON.stringify(signature)} is malformed`);
}

function alignment(type: string): number {
  const code = type[0] ?? '';
  if (code === '(' || code === '{') return 8;
  if (code === 'a' || STRINGS.includes(code)) return 4;
  return NUMBERS[code] ?? 1;
}

export class Writer {
  #bytes = Buffer.alloc(512);
  #length = 0;

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  align(boundary: number): void {
    this.#grow((boundary - (this.#length % boundary)) % boundary);
  }

  /** Values one after the other, one for each complete type of the signature. */
  values(signature: string, values: readonly Value[]): void {
    completeTypes(signature).forEach((type, i) => {
      const value = values[i];
      if (value === undefined) throw wrong(type, value);
      this.value(type, value);
    });
  }

  value(type: string, value: Value): void {
    this.align(alignment(type));
    const code = type[0] ?? '';
    if (code in NUMBERS) this.#number(code, value);
    else if (STRINGS.includes(code) || code === SIGNATURE) this.#string(code, value);
    else if (code === 'v') this.#variant(type, value);
    else if (!Array.isArray(value)) throw wrong(type, value);
    else if (code === 'a') this.#array(type.slice(1), value as readonly Value[]);
    else this.values(type.slice(1, -1), value as readonly Value[]);
  }

  #variant(type: string, value: Value): void {
    if (typeof value !== 'object' || !('signature' in value)) throw wrong(type, value);
    this.value(SIGNATURE, value.signature);
    this.value(value.signature, value.value);
  }

  #array(element: string, values: readonly Value[]): void {
    const lengthAt = this.#grow(4);
    // The length does not count what aligns the first element.
    this.align(alignment(element));
    const start = this.#length;
    for (const value of values) this.value(element, value);
    this.#bytes.writeUInt32LE(this.#length - start, lengthAt);
  }

  #string(code: string, value: Value): void {
    if (typeof value !== 'string' || value.includes('\0')) throw wrong(code, value);
    const text = Buffer.from(value);
    const prefix = code === SIGNATURE ? 1 : 4;
    if (code === SIGNATURE && text.length > LONGEST_SIGNATURE) throw wrong(code, value);
    const at = this.#grow(prefix + text.length + 1);
    this.#bytes.writeUIntLE(text.length, at, prefix);
    text.copy(this.#bytes, at + prefix);
  }

  #number(code: string, value: Value): void {
    if (typeof value === 'object' || typeof value === 'string') throw wrong(code, value);
    const size = NUMBERS[code] ?? 1;
    const at = this.#grow(size);
    try {
      if (code === 'd') this.#bytes.writeDoubleLE(Number(value), at);
      else if (code === 'x') this.#bytes.writeBigInt64LE(BigInt(value), at);
      else if (code === 't') this.#bytes.writeBigUInt64LE(BigInt(value), at);
      else if (code === 'n' || code === 'i') this.#bytes.writeIntLE(Number(value), at, size);
      else this.#bytes.writeUIntLE(Number(value), at, size);
    } catch {
      throw wrong(code, value);
    }
  }

  /** Room for `count` bytes that are 0; where it begins. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(this.#length * 2);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return at;
  }
}

function wrong(type: string, value: unknown): TsociError {
  const shown = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return new TsociError(`${shown} is not a value of the D-Bus type ${type}`);
}

export class Reader {
  readonly #bytes: Buffer;
  #at: number;
  #depth = 0;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  align(boundary: number): number {
    this.#at = Math.ceil(this.#at / boundary) * boundary;
    return this.#at;
  }

  values(signature: string): Value[] {
    return completeTypes(signature).map((type) => this.value(type));
  }

  value(type: string): Value {
    this.align(alignment(type));
    const code = type[0] ?? '';
    if (code in NUMBERS) return this.#number(code);
    if (STRINGS.includes(code)) return this.#string(this.#take(4).readUInt32LE());
    if (code === SIGNATURE) return this.#string(this.#take(1).readUInt8());
    if (this.#depth === DEEPEST) throw new TsociError('a D-Bus message is nested too deep');
    this.#depth++;
    const value = this.#container(code, type);
    this.#depth--;
    return value;
  }

  #container(code: string, type: string): Value {
    if (code === 'v') {
      const signature = this.value(SIGNATURE) as string;
      if (completeTypes(signature).length !== 1) throw malformed(signature);
      return { signature, value: this.value(signature) };
    }
    if (code !== 'a') return this.values(type.slice(1, -1));
    const length = this.#take(4).readUInt32LE();
    const end = this.align(alignment(type.slice(1))) + length;
    const elements: Value[] = [];
    while (this.#at < end) elements.push(this.value(type.slice(1)));
    if (this.#at > end) throw new TsociError('an array in a D-Bus message is longer than it says');
    return elements;
  }

  #take(count: number): Buffer {
    const start = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) throw new TsociError('a D-Bus message ends too early');
    return this.#bytes.subarray(start, this.#at);
  }

  #string(length: number): string {
    const bytes = this.#take(length + 1);
    if (bytes.indexOf(0) !== length)
      throw new TsociError('a text in a D-Bus message does not end with its NUL');
    return bytes.toString('utf8', 0, length);
  }

  #number(code: string): number | bigint | boolean {
    const size = NUMBERS[code] ?? 1;
    const bytes = this.#take(size);
    if (code === 'b') return bytes.readUInt32LE() !== 0;
    if (code === 'd') return bytes.readDoubleLE();
    if (code === 'x') return bytes.readBigInt64LE();
    if (code === 't') return bytes.readBigUInt64LE();
    return code === 'n' || code === 'i' ? bytes.readIntLE(0, size) : bytes.readUIntLE(0, size);
  }
}
