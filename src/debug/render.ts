// What a stop looks like, for a person.

import { extentIn, pointerOf } from '../config/places.ts';
import { sectionOf } from '../config/unknown-properties.ts';
import type { Line } from '../trace/lines.ts';
import type { Answer, Event, Operation } from './protocol.ts';
import { fit, type Paint, WIDTH, wrap } from './text.ts';

export type Stopped = Event & { event: 'stopped' };
export interface ConfigText {
  file: string;
  text: string;
}

/** Lines of config.json that are shown of a property. */
const MOST_LINES = 16;

/** Two or three lines: why it stops, and before what. */
export function stopLines(stopped: Stopped, paint: Paint): string[] {
  const { reason, at, error, breakpoints } = stopped;
  if (reason === 'start') {
    return wrap(
      'Nothing is done yet. continue (c) goes to the first failure; step (s), next (n), break WHERE, help.',
    );
  }
  if (error !== undefined) {
    const [first = '', ...rest] = wrap(`error: ${error}`);
    return [paint(first, 'red'), ...rest.map((line) => paint(line, 'red')), ...placeLine(stopped, paint)];
  }
  const why = breakpoints.length > 0 ? `breakpoint ${breakpoints.join(', ')}` : 'stopped';
  if (!at) return [paint(why, 'bold')];
  return [
    `${paint(why, 'bold')} before ${at.number}, ${whoOf(at)}${at.property ? `: ${at.property}` : ''}`,
    fit(`  ${at.text}`),
  ];
}

function placeLine({ property, at }: Stopped, paint: Paint): string[] {
  const by = at ? `operation ${at.number}, ${whoOf(at)}` : '';
  const text = [property, by].filter(Boolean).join('; ');
  return text ? [paint(fit(`  at ${text}; nothing is taken back yet`), 'dim')] : [];
}

function whoOf({ role, pid }: Operation): string {
  return pid === undefined ? `on the ${role}` : `${role} ${pid}`;
}

/** `where`: the operation, the property with its lines, the section of the specification. */
export function whereLines(stopped: Stopped, config: ConfigText | undefined, paint: Paint): string[] {
  const { at, error, property } = stopped;
  const lines: string[] = [];
  const add = (name: string, text: string) =>
    lines.push(...wrap(`${name.padEnd(10)}${text}`, WIDTH, ' '.repeat(10)));
  if (error !== undefined) add('error', error);
  if (at) {
    add(error === undefined ? 'next' : 'last', `operation ${at.number}, ${whoOf(at)}`);
    if (at.call !== undefined) add('call', `${at.text}${at.result === undefined ? '' : ` = ${at.result}`}`);
    add('to', at.doing);
    if (at.together) add('piece', `with the ${at.together} behind it (list): nobody can stop between them`);
  }
  if (property === undefined) add('property', 'none: every container needs it');
  else {
    add('property', property);
    add('spec', sectionOf(pointerOf(property)));
    if (config) lines.push(...configLines(property, config, paint));
  }
  return lines;
}

/** The lines of config.json that say what a property is. */
function configLines(property: string, { file, text }: ConfigText, paint: Paint): string[] {
  const extent = extentIn(text, pointerOf(property));
  if (!extent) return [];
  const { first, last, exact } = extent;
  const whole = text.split('\n').slice(first - 1, last);
  // Of a config in one line only what is meant.
  const all = whole.length === 1 && (whole[0]?.length ?? 0) > WIDTH - 8 ? [extent.text] : whole;
  const shown = all.slice(0, MOST_LINES).map((line, i) => {
    const number = String(first + i).padStart(6);
    return `${paint(number, 'dim')}  ${fit(line, WIDTH - 8)}`;
  });
  const head = exact ? `${file}:${first}` : `${file}:${first} (${property} is not there; this is around it)`;
  const rest = all.length - shown.length;
  return [
    ...wrap(`config    ${head}`, WIDTH, ' '.repeat(10)),
    ...shown,
    ...(rest > 0 ? [`        … ${rest} more lines`] : []),
  ];
}

/** What comes behind the program at hand. */
export function plannedLines(planned: readonly Line[], paint: Paint): string[] {
  if (planned.length === 0) return [];
  const rows = planned.map(({ who, call, property }) => {
    const end = property ? `  # ${property}` : '';
    const head = `       ${who.replace(/:$/, '')} `;
    return `${head}${fit(call, Math.max(20, WIDTH - head.length - end.length))}${end}`;
  });
  return ['     then, as planned:', ...rows].map((line) => paint(fit(line), 'dim'));
}

/** `list`: what came before with results, where it stands, what comes next. */
export function listLines({ before, at, error, after }: Answer & { answer: 'list' }, paint: Paint): string[] {
  const row = (operation: Operation, mark: string) => {
    const { number, role, text, result, property } = operation;
    const outcome = result === undefined ? '' : ` = ${result}`;
    const end = property ? `  # ${property}` : '';
    const head = `${mark}${String(number).padStart(4)} ${role} `;
    const room = WIDTH - head.length - outcome.length - end.length;
    return room >= 20 ? `${head}${fit(text, room)}${outcome}${end}` : fit(`${head}${text}${outcome}${end}`);
  };
  const here = at ? row(at, error ? '!' : '>') : '> the beginning';
  return [
    ...before.map((operation) => row(operation, ' ')),
    paint(here, error ? 'red' : 'bold'),
    ...after.map((operation) => paint(row(operation, ' '), 'dim')),
  ];
}
