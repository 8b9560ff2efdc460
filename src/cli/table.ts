// Tables of text in the shape of runc's (Go's tabwriter with a least width of 12 and a padding of 3).

import type { Option } from './options.ts';

/** The option of commands that show a table. */
export const TABLE_FORMAT = {
  long: 'format',
  short: 'f',
  kind: 'string',
  placeholder: 'FORMAT',
  choices: ['table', 'json'],
  default: 'table',
  help: 'table or json',
} as const satisfies Option;

const LEAST_WIDTH = 12;
const PADDING = 3;

/** Rows of cells in aligned columns, a line each. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(LEAST_WIDTH, ...rows.map((row) => (row[column]?.length ?? 0) + PADDING)),
  );
  return rows
    .map((row) => `${row.map((cell, column) => pad(cell, column, row, widths)).join('')}\n`)
    .join('');
}

function pad(cell: string, column: number, row: readonly string[], widths: readonly number[]): string {
  return column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0);
}
