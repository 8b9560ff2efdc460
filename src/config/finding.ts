// What is wrong with a configuration, and how it is told.

import { unescapePointer } from './json-scan.ts';

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

/** `bundle/config.json:7:12: process.cwd is relative: "tmp"; expected an absolute path (config.md#process)`. */
export function describe(finding: Finding, file?: string): string {
  const told = `${nameOf(finding.pointer)} ${explained(finding)}`;
  return file === undefined ? told : `${place(file, finding)}: ${told}`;
}

function explained({ problem, expected, spec }: Finding): string {
  return `${problem}${expected && `; expected ${expected}`}${spec ? ` (${spec})` : ''}`;
}

/** The findings, a line each: `bundle/config.json:7:12: error: /process/cwd is relative: …`. */
export function formatFindings(findings: readonly Finding[], file: string): string {
  return inOrder(findings)
    .map((finding) => {
      const { level, pointer } = finding;
      return `${place(file, finding)}: ${level}: ${pointer || nameOf(pointer)} ${explained(finding)}\n`;
    })
    .join('');
}

/** Errors first, and then in the order of the text. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const rank = ({ level }: Finding) => (level === 'error' ? 0 : 1);
  return findings.toSorted(
    (a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

function place(file: string, { line, column }: Finding): string {
  return line === undefined ? file : `${file}:${line}:${column}`;
}

/** A JSON pointer as people write it: /linux/sysctl/kernel.sem is `linux.sysctl["kernel.sem"]`. */
export function nameOf(pointer: string): string {
  if (pointer === '') return 'the configuration';
  const parts = pointer.split('/').slice(1).map(unescapePointer);
  return parts
    .map((part, i) => {
      if (/^\d+$/.test(part)) return `[${part}]`;
      if (!/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(part)) return `[${JSON.stringify(part)}]`;
      return i === 0 ? part : `.${part}`;
    })
    .join('');
}
