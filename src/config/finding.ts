// What is wrong with a configuration, and how it is told.

export interface Finding {
  /** A warning does not keep the container from being created (runtime.md#warnings). */
  level: 'error' | 'warning';
  /** JSON pointer (RFC 6901) of the value, or of where a missing one belongs. */
  pointer: string;
  /** Goes on from the value's name: `is relative: "tmp"`. */
  problem: string;
  /** Completes "expected": `an absolute path`. May be empty. */
  expected: string;
  /** Section of the runtime specification. */
  spec?: string;
  /** Place in the text, both from 1. */
  line?: number;
  column?: number;
}

export function error(pointer: string, problem: string, expected: string, spec: string): Finding {
  return { level: 'error', pointer, problem, expected, spec };
}

export function warning(pointer: string, problem: string, expected: string, spec: string): Finding {
  return { level: 'warning', pointer, problem, expected, spec };
}

/** `process.cwd is relative: "tmp"; expected an absolute path (config.md#process)`. */
export function describe({ pointer, problem, expected, spec }: Finding): string {
  return `${nameOf(pointer)} ${problem}${expected && `; expected ${expected}`}${spec ? ` (${spec})` : ''}`;
}

/**
 * The findings, a line each, errors first and then in the order of the text:
 * `bundle/config.json:7:12: error: process.cwd is relative: …`.
 */
export function formatFindings(findings: readonly Finding[], file: string): string {
  const rank = ({ level, line = 0, column = 0 }: Finding) =>
    [level === 'error' ? 0 : 1, line, column] as const;
  const sorted = findings
    .map((finding) => ({ finding, rank: rank(finding) }))
    .sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || a.rank[2] - b.rank[2]);
  return sorted
    .map(({ finding }) => `${place(file, finding)}: ${finding.level}: ${describe(finding)}\n`)
    .join('');
}

function place(file: string, { line, column }: Finding): string {
  return line === undefined ? file : `${file}:${line}:${column}`;
}

/** A JSON pointer as people write it: /linux/sysctl/kernel.sem is `linux.sysctl["kernel.sem"]`. */
export function nameOf(pointer: string): string {
  if (pointer === '') return 'the configuration';
  const [, first = '', ...rest] = pointer
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const parts = rest.map((part) => {
    if (/^\d+$/.test(part)) return `[${part}]`;
    return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  });
  return first + parts.join('');
}
