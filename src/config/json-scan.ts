// Reads JSON for its places alone: where each value stands, or where the text stops to be JSON (RFC 8259).

/** A text that is not JSON. `offset` counts UTF-16 units, as string indices do. */
export class JsonError extends Error {
  override name = 'JsonError';
  readonly offset: number;

  constructor(problem: string, offset: number) {
    super(problem);
    this.offset = offset;
  }
}

/** Of a text: line and column of an offset, both from 1. The lines are counted once, however many are asked for. */
export function positionsIn(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return (offset) => {
    let [line, beyond] = [0, starts.length];
    while (beyond - line > 1) {
      const middle = (line + beyond) >> 1;
      if ((starts[middle] ?? 0) <= offset) line = middle;
      else beyond = middle;
    }
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}

/** Deeper than any configuration; keeps the scanner's recursion bounded. */
const maximumDepth = 500;
const literals = ['true', 'false', 'null'];
const numberAt = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordAt = /[\w.+-]+/y;
const escapeAt = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Offsets of all values of a JSON text, by JSON pointer (RFC 6901).
 *
 * @throws JsonError at the first place that is not JSON
 */
export function scanJson(text: string): Map<string, number> {
  const offsets = new Map<string, number>();
  let at = 0;

  skipSpace();
  readValue('', 0);
  skipSpace();
  if (at < text.length) fail(`expected the end of the text, found ${found()}`);
  return offsets;

  function readValue(pointer: string, depth: number): void {
    if (depth > maximumDepth) fail(`nested deeper than ${maximumDepth} levels`);
    offsets.set(pointer, at);
    const char = text[at];
    if (char === '{') readList('}', () => readMember(pointer, depth));
    else if (char === '[') {
      let index = 0;
      readList(']', () => readValue(`${pointer}/${index++}`, depth + 1));
    } else if (char === '"') readString();
    else readScalar();
  }

  function readMember(pointer: string, depth: number): void {
    if (text[at] !== '"') fail(`expected a property name in double quotes, found ${found()}`);
    const start = at;
    readString();
    const name: string = JSON.parse(text.slice(start, at));
    skipSpace();
    if (text[at] !== ':') fail(`expected ':' after the property name, found ${found()}`);
    at++;
    skipSpace();
    readValue(`${pointer}/${escapePointer(name)}`, depth + 1);
  }

  function readList(close: string, readEntry: () => void): void {
    at++;
    skipSpace();
    if (text[at] === close) {
      at++;
      return;
    }
    for (;;) {
      readEntry();
      skipSpace();
      if (text[at] === close) break;
      if (text[at] !== ',') fail(`expected ',' or '${close}', found ${found()}`);
      const comma = at++;
      skipSpace();
      if (text[at] === close) throw new JsonError(`a comma without a value before '${close}'`, comma);
    }
    at++;
  }

  function readString(): void {
    const start = at++;
    for (;;) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code)) throw new JsonError('a string that does not end', start);
      if (code < 0x20) fail('a control character in a string: write it as an escape such as \\n');
      if (code === 0x22) break;
      if (code === 0x5c) {
        const sequence = match(escapeAt);
        if (sequence === '') fail(`an unknown escape, ${JSON.stringify(text.slice(at, at + 2))}`);
        at += sequence.length;
      } else at++;
    }
    at++;
  }

  function readScalar(): void {
    const word = match(wordAt);
    const number = match(numberAt);
    if (word === '' || (!literals.includes(word) && number !== word))
      fail(`expected a value, found ${found()}`);
    at += word.length;
  }

  function skipSpace(): void {
    for (;;) {
      const char = text[at];
      if (char !== ' ' && char !== '\n' && char !== '\t' && char !== '\r') return;
      at++;
    }
  }

  function match(pattern: RegExp): string {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? '';
  }

  function found(): string {
    if (at >= text.length) return 'the end of the text';
    if (text.startsWith('//', at) || text.startsWith('/*', at)) return 'a comment, which JSON does not have';
    if (text[at] === '\ufeff') return 'a byte order mark';
    return JSON.stringify(match(wordAt) || String.fromCodePoint(text.codePointAt(at) ?? 0));
  }

  function fail(problem: string): never {
    throw new JsonError(problem, at);
  }
}

/** The property name that a part of a JSON pointer means. */
export function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** A property name as a part of a JSON pointer. */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
