// The command line: options declared as tables, and the parser that reads arguments by them.
//
// Accepted are the forms of runc (Go's flag package: one dash or two alike, `--name value`, `--name=value`) and those
// of crun (getopt: `-bDIR`, several flags in one word as in `-td`).

import { nearest } from '../config/nearest.ts';
import { TsociError } from '../linux/errors.ts';

export interface Option {
  readonly long: string;
  /** One character. */
  readonly short?: string;
  readonly kind: 'flag' | 'string' | 'number' | 'list';
  /** What stands for the value in help texts. FILE and DIR are completed as such. */
  readonly placeholder?: string;
  /** The only values that are accepted. */
  readonly choices?: readonly string[];
  readonly default?: string | number;
  /** The value of an option that stands alone. Another one is attached to it: `--trace=FILE`. */
  readonly bare?: string;
  /** A phrase for help texts and man pages, without a full stop. */
  readonly help: string;
}

type Single<O extends Option> = O['kind'] extends 'number'
  ? number
  : O extends { choices: readonly (infer Choice)[] }
    ? Choice
    : string;

type Value<O extends Option> = O['kind'] extends 'flag'
  ? boolean
  : O['kind'] extends 'list'
    ? readonly string[]
    : Single<O> | (O extends { default: string | number } ? never : undefined);

/** The values of a table of options, by their long names. */
export type Values<Options extends readonly Option[]> = {
  readonly [O in Options[number] as O['long']]: Value<O>;
};

export interface Parsed<Options extends readonly Option[]> {
  readonly values: Values<Options>;
  readonly operands: readonly string[];
  /** How many of them stood before a `--`; undefined where there was none. */
  readonly separated: number | undefined;
  /** `--help` or `-h` was among the options. */
  readonly help: boolean;
}

/** Wrong use of the command line. */
export class UsageError extends TsociError {
  override name = 'UsageError';
}

export const HELP: Option = { long: 'help', short: 'h', kind: 'flag', help: 'show this help' };
/** Other names that crun has for an option. */
const ALIASES: Readonly<Record<string, string>> = { '?': 'help', usage: 'help', V: 'version' };

/**
 * Reads arguments by a table. Options are recognised before and behind operands, until `--` or until
 * `operandLimit` operands were read: what follows are operands whatever they look like. With `--help` the rest is
 * not looked at.
 */
export function parse<const Options extends readonly Option[]>(
  options: Options,
  args: readonly string[],
  operandLimit = Number.POSITIVE_INFINITY,
): Parsed<Options> {
  const reader = new Reader(options, args);
  const operands: string[] = [];
  let help = false;
  let separated: number | undefined;
  while (reader.more() && !help) {
    const arg = reader.next();
    if (arg === '--') {
      separated = operands.length;
      break;
    }
    if (arg.startsWith('-') && arg !== '-') help = reader.option(arg);
    else if (operands.push(arg) >= operandLimit) break;
  }
  // The one cast of the parser: its record is built by the table that the type is made of.
  const values = reader.values as Values<Options>;
  return { values, operands: [...operands, ...reader.rest()], separated, help };
}

class Reader {
  readonly values: Record<string, unknown> = {};
  readonly #options: readonly Option[];
  readonly #args: readonly string[];
  #at = 0;

  constructor(options: readonly Option[], args: readonly string[]) {
    this.#options = [...options, HELP];
    this.#args = args;
    for (const { long, kind, default: value } of options) {
      this.values[long] = kind === 'flag' ? false : kind === 'list' ? [] : value;
    }
  }

  more(): boolean {
    return this.#at < this.#args.length;
  }

  next(): string {
    return this.#args[this.#at++] ?? '';
  }

  rest(): readonly string[] {
    return this.#args.slice(this.#at);
  }

  /** Takes in one word that starts with a dash, and its value. Whether it asked for help. */
  option(word: string): boolean {
    const body = word.replace(/^--?/, '');
    const equals = body.indexOf('=');
    const name = equals < 0 ? body : body.slice(0, equals);
    const option = this.#find(name);
    if (option) return this.#set(option, word, equals < 0 ? undefined : body.slice(equals + 1));
    const shortcut = word.startsWith('--') ? undefined : this.#find(body.slice(0, 1));
    if (!shortcut) throw this.#unknown(word, name);
    const rest = body.slice(1);
    if (shortcut.kind !== 'flag') return this.#set(shortcut, word, rest);
    if (![...rest].every((letter) => this.#find(letter)?.kind === 'flag')) throw this.#unknown(word, name);
    return [...body].map((letter) => this.option(`-${letter}`)).includes(true);
  }

  #find(name: string): Option | undefined {
    const wanted = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
    return this.#options.find(({ long, short }) => wanted === long || wanted === short);
  }

  #set(option: Option, word: string, attached: string | undefined): boolean {
    if (option.kind === 'flag') {
      const on = flagValue(word, attached);
      if (option === HELP) return on;
      this.values[option.long] = on;
      return false;
    }
    const { bare } = option;
    if (attached === undefined && bare === undefined && !this.more())
      throw new UsageError(`option ${word} needs a value (${option.placeholder ?? 'VALUE'})`);
    const value = checked(option, attached ?? bare ?? this.next());
    this.values[option.long] =
      option.kind === 'list' ? [...(this.values[option.long] as string[]), value] : value;
    return false;
  }

  #unknown(word: string, name: string): UsageError {
    const match = nearest(
      name,
      this.#options.map(({ long }) => long),
    );
    return new UsageError(`unknown option ${word}${match ? `; did you mean --${match}?` : ''}`);
  }
}

function flagValue(word: string, attached: string | undefined): boolean {
  if (attached === undefined || attached === 'true' || attached === '1') return true;
  if (attached === 'false' || attached === '0') return false;
  throw new UsageError(`option ${word}: expected true or false`);
}

function checked(option: Option, value: string): string | number {
  const { long, kind, choices } = option;
  if (kind === 'number') {
    if (!/^-?\d+$/.test(value)) throw new UsageError(`option --${long}: "${value}" is not a whole number`);
    if (!Number.isSafeInteger(Number(value)))
      throw new UsageError(`option --${long}: ${value} is out of range`);
    return Number(value);
  }
  if (choices && !choices.includes(value))
    throw new UsageError(`option --${long}: "${value}" is none of ${choices.join(', ')}`);
  return value;
}
