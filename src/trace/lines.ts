// A line of a trace, whole for a pipe or a file, and fitted to a terminal.

import type { Screen } from '../linux/screen.ts';

export interface Line {
  /** Milliseconds since the command began; undefined in a plan. */
  when: number | undefined;
  /** `init 4711:` */
  who: string;
  /** `setns(5, CLONE_NEWNET)` */
  call: string;
  /** `0`, or `-1 ENOENT (No such file or directory)`; undefined for a remark that is no call. */
  result: string | undefined;
  failed: boolean;
  property: string | undefined;
  /** Of the last call of a program: how long all of it took, in milliseconds, and how many calls it had. */
  took: { milliseconds: number; calls: number } | undefined;
}

export function showLine(line: Line, screen: Screen | undefined): string {
  return screen ? fittedLine(line, screen) : wholeLine(line);
}

function wholeLine({ when, who, call, result, property, took }: Line): string {
  const count = took?.calls === 1 ? '1 call' : `${took?.calls} calls`;
  return [
    when === undefined ? '' : `${when.toFixed(1)} ms `,
    `${who} ${call}`,
    result === undefined ? '' : ` = ${result}`,
    property === undefined ? '' : `  # ${property}`,
    took === undefined ? '' : ` <${took.milliseconds.toFixed(3)} ms, ${count}>`,
    '\n',
  ].join('');
}

/** SGR parameters of ECMA-48, which terminals take for colours. */
const DIM = 2;
const RED = 31;
const CYAN = 36;

/** Columns of a call that say something. */
const LEAST_CALL = 16;
/** What stands for the rest. */
const REST = '…';

/**
 * In one row of a terminal. First the arguments are cut, then what is said by other lines, too: the words of an error, how
 * long the program took. The property, which says what it is for, stays longest.
 */
function fittedLine(line: Line, { columns, colour }: Screen): string {
  const paint = (code: number, text: string) => (colour && text ? `\x1b[${code}m${text}\x1b[0m` : text);
  const head = `${line.when === undefined ? '' : `${line.when.toFixed(1)} `}${line.who} `;
  const property = line.property === undefined ? '' : `  # ${line.property}`;
  let result = line.result === undefined ? '' : ` = ${line.result}`;
  let took = line.took === undefined ? '' : ` <${line.took.milliseconds.toFixed(1)} ms>`;
  const room = () => columns - head.length - result.length - property.length - took.length;
  const least = Math.min(line.call.length, LEAST_CALL);
  if (room() < least) took = '';
  if (room() < least) result = result.replace(/ \(.*\)$/, '');
  const call = cut(line.call, Math.max(room(), least));
  const left = columns - head.length - call.length - result.length;
  return `${paint(DIM, head)}${call}${line.failed ? paint(RED, result) : result}${paint(CYAN, cutName(property, left))}${paint(DIM, took)}\n`;
}

/** `  # …Paths[3]`: the end of a name tells more than its beginning. */
function cutName(property: string, length: number): string {
  if (property.length <= length) return property;
  const mark = `  # ${REST}`;
  return length <= mark.length ? '' : mark + property.slice(mark.length - length);
}

/** `fsconfig(8, FSCONF…)`: what is in parentheses is cut inside them. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = `${REST}${text.endsWith(')') ? ')' : ''}`;
  return text.slice(0, length - end.length) + end;
}
