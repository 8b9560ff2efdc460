// Annotations org.systemd.property.NAME: properties of the scope in GVariant's text form, as runc and crun take them.

import { TsociError } from '../../linux/errors.ts';
import { completeTypes, type Value, type Variant, variant } from './marshal.ts';
import type { Property } from './properties.ts';

export const PREFIX = 'org.systemd.property.';
const NAME = /^[A-Za-z]{3,}$/;
const USEC_PER_SEC = 1_000_000;

export function annotatedProperties(annotations: Readonly<Record<string, string>> = {}): Property[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(PREFIX))
    .map(([key, text]) => {
      const name = key.slice(PREFIX.length);
      if (!NAME.test(name)) throw new TsociError(`annotation ${key}: ${name} is not the name of a property`);
      try {
        return inMicroseconds(name, parseVariant(text));
      } catch (error) {
        throw TsociError.from(`annotation ${key}: ${JSON.stringify(text)}`, error);
      }
    });
}

/** As runc: TimeoutStopSec in seconds, which is how a person knows it, is TimeoutStopUSec on the bus. */
function inMicroseconds(name: string, property: Variant): Property {
  if (!/[a-z]Sec$/.test(name)) return [name, property];
  if (typeof property.value !== 'number' && typeof property.value !== 'bigint')
    throw new TsociError('a number of seconds is expected');
  const usec = Math.round(Number(property.value) * USEC_PER_SEC);
  return [name.replace(/Sec$/, 'USec'), variant('t', BigInt(usec))];
}

/** Type words of the text form (GVariant Text Format, "Type annotations"). */
const WORDS: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  handle: 'h',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
};

/** One value: `true`, `uint64 5`, `'text'`, `['a', 'b']`, `(1, 'x')`, `@as []`, `<5>`. Dictionaries are not taken. */
export function parseVariant(text: string): Variant {
  const parser = new Parser(text);
  const value = parser.value(undefined);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** `type` is the one that the context asks for, if it does. */
  value(type: string | undefined): Variant {
    const annotated = this.#match(/@([a-z(){}]+)\s/y);
    if (annotated !== undefined) return this.value(oneType(annotated));
    const word = this.#match(/([a-z]+\d*)\s+(?=\S)/y);
    if (word !== undefined) return this.value(WORDS[word] ?? this.#fail(`unknown type ${word}`));
    if (this.#match(/(\[)/y)) return this.#array(type);
    if (this.#match(/(\()/y)) return this.#tuple(type);
    if (this.#match(/(<)/y)) return this.#nested();
    return this.#scalar(type);
  }

  end(): void {
    this.#match(/\s*($)/y);
    if (this.#at < this.#text.length) this.#fail('more than one value');
  }

  #array(type: string | undefined): Variant {
    let element = type?.startsWith('a') ? type.slice(1) : undefined;
    const values: Value[] = [];
    while (!this.#match(/(\])/y)) {
      if (values.length > 0) this.#expect(/(,)/y, '","');
      const { signature, value } = this.value(element);
      element ??= signature;
      values.push(value);
    }
    if (element === undefined) this.#fail('an empty array needs its type: @as []');
    return variant(`a${element}`, values);
  }

  #tuple(type: string | undefined): Variant {
    const types = type?.startsWith('(') ? completeTypes(type.slice(1, -1)) : [];
    const values: Variant[] = [];
    while (!this.#match(/(\))/y)) {
      if (values.length > 0) this.#expect(/(,)/y, '","');
      // (1,) is a tuple of one.
      if (this.#match(/(\))/y)) break;
      values.push(this.value(types[values.length]));
    }
    return variant(
      `(${values.map(({ signature }) => signature).join('')})`,
      values.map(({ value }) => value),
    );
  }

  #nested(): Variant {
    const value = this.value(undefined);
    this.#expect(/(>)/y, '">"');
    return variant('v', value);
  }

  #scalar(type: string | undefined): Variant {
    const boolean = this.#match(/(true|false)\b/y);
    if (boolean !== undefined) return this.#typed(type, 'b', 'b', boolean === 'true');
    const string = this.#match(/('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/sy);
    if (string !== undefined) return this.#typed(type, 'sog', 's', unquote(string));
    const number = this.#match(/([+-]?(?:0x[0-9a-fA-F]+|[\d.]+(?:e[+-]?\d+)?|inf\b))/y);
    if (number === undefined) this.#fail('no value that can be understood');
    return this.#number(type ?? (/^[+-]?\d+$|x/.test(number) ? 'i' : 'd'), number);
  }

  #number(type: string, text: string): Variant {
    if (type === 'd') {
      const number = Number(text.replace('inf', 'Infinity'));
      return Number.isNaN(number) ? this.#fail(`${text} is not a number`) : variant('d', number);
    }
    if (!/^[+-]?(\d+|0x[0-9a-fA-F]+)$/.test(text)) this.#fail(`${text} is not an integer`);
    const magnitude = BigInt(text.replace(/^[+-]/, ''));
    const value = text.startsWith('-') ? -magnitude : magnitude;
    const wide = type === 'x' || type === 't';
    return this.#typed(type, 'ynqiuhxt', type, wide ? value : Number(value));
  }

  #typed(asked: string | undefined, possible: string, usual: string, value: Value): Variant {
    if (asked !== undefined && !possible.includes(asked)) this.#fail(`not a value of type ${asked}`);
    return variant(asked ?? usual, value);
  }

  #expect(pattern: RegExp, what: string): void {
    if (this.#match(pattern) === undefined) this.#fail(`${what} expected`);
  }

  /** The first group of a pattern that matches here, behind white space. */
  #match(pattern: RegExp): string | undefined {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) return undefined;
    this.#at = pattern.lastIndex;
    return found[1];
  }

  #fail(why: string): never {
    throw new TsociError(`${why} (at character ${this.#at + 1})`);
  }
}

function oneType(signature: string): string {
  const [type, ...more] = completeTypes(signature);
  if (type === undefined || more.length > 0) throw new TsociError(`@${signature} is not one type`);
  return type;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquote(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, code: string) =>
      code.length > 1 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
    );
}
