// Text for a terminal: colours, and lines that fit.

export const WIDTH = 80;

export type Paint = (text: string, colour: 'red' | 'green' | 'yellow' | 'bold' | 'dim') => string;

const codes = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const;

/** Colours by SGR sequences (ECMA-48), or none. */
export function painter(colours: boolean): Paint {
  return (text, colour) => (colours && text !== '' ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text);
}

/**
 * Breaks text into lines of at most `width` columns, at blanks or commas where there are some, else anywhere; those behind
 * the first are indented.
 */
export function wrap(text: string, width = WIDTH, indent = '    '): string[] {
  const lines: string[] = [];
  let rest = printable(text);
  while (rest.length > width) {
    const least = Math.max(indent.length, width / 2);
    const blank = rest.lastIndexOf(' ', width);
    const comma = rest.lastIndexOf(',', width - 1) + 1;
    const end = blank > least ? blank : comma > least ? comma : width;
    lines.push(rest.slice(0, end));
    rest = indent + rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

/** Cut to the width of a line. */
export function fit(text: string, width = WIDTH): string {
  const shown = printable(text);
  return shown.length <= width ? shown : `${shown.slice(0, width - 1)}…`;
}

/** No control character of a container or a config reaches the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) =>
    character === '\n' ? ' ' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Rows with columns of one width. What is too long for a line goes on in the last column. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)),
    [],
  );
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP, 0);
  const indent = ' '.repeat(Math.min(before, WIDTH / 2));
  return rows.flatMap((row) => {
    const cells = row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd((widths[i] ?? 0) + GAP)));
    return wrap(cells.join('').trimEnd(), WIDTH, indent);
  });
}

/** Blanks between columns. */
const GAP = 2;
