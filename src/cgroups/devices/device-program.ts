// The eBPF program of a device decision. Pure.
//
// The kernel calls it with struct bpf_cgroup_dev_ctx (linux/bpf.h) for each open and mknod of a device: access_type
// (access bits << 16 | device type), major, minor. It answers 1 to allow. Rules become nested tests, type, then major, then
// minor, each made once for all rules that share it. Register 2 keeps the access bits that no rule has decided yet:
//
//     r0 = 1
//     r2 = ctx->access_type; r4 = ctx->major; r5 = ctx->minor
//     if (r2 is block) goto next;             c 1:3 rwm, c 1:5 rwm, allow
//       if (r4 != 1) goto next
//         if (r5 == 3) goto allow
//         if (r5 == 5) goto allow
//     next: r2 &= ~(MKNOD << 16)              a *:* m, allow
//     if (r2 < 1 << 16) goto allow            nothing undecided
//     deny: r0 = 0
//     allow: exit

import { TsociError } from '../../linux/errors.ts';
import { ALL_ACCESS, type Decision, type Rule, type Run } from './device-rules.ts';
import { Assembler, JA, JEQ_K, JLT_K, JNE_K, JSET_K, type Label, type Register } from './instructions.ts';

/** linux/bpf.h: BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR. The kernel passes one or the other. */
const TYPE_BIT = { b: 1, c: 2 } as const;
const ACCESS_SHIFT = 16;

const RESULT: Register = 0;
const CONTEXT: Register = 1;
const ACCESS_TYPE: Register = 2;
const MAJOR: Register = 4;
const MINOR: Register = 5;
const CONTEXT_OFFSET = { accessType: 0, major: 4, minor: 8 } as const;

/** Code that decides once a rule's device is known to match: a jump to the verdict, or more than that. */
type Body = { readonly verdict: Label } | { readonly code: () => void };

export function deviceProgram({ runs, allowByDefault }: Decision): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const allow = assembler.label();
  const deny = assembler.label();
  const rules = runs.flatMap((run) => run.rules);
  assembler.move(RESULT, 1);
  if (rules.length > 0) assembler.load32(ACCESS_TYPE, CONTEXT, CONTEXT_OFFSET.accessType);
  if (rules.some((rule) => rule.major !== undefined)) assembler.load32(MAJOR, CONTEXT, CONTEXT_OFFSET.major);
  if (rules.some((rule) => rule.minor !== undefined)) assembler.load32(MINOR, CONTEXT, CONTEXT_OFFSET.minor);
  for (const run of runs) emitRun(assembler, run, run.allow ? allow : deny);
  if (allowByDefault) {
    assembler.place(allow);
    assembler.exit();
  }
  // Without a rule that jumps to it a denial would be unreachable, which the verifier refuses.
  if (!allowByDefault || runs.length > 0) {
    assembler.place(deny);
    assembler.move(RESULT, 0);
    if (!allowByDefault) assembler.place(allow);
    assembler.exit();
  }
  const program = assembler.assemble();
  if (!program)
    throw new TsociError('linux.resources.devices has more rules than an eBPF program can jump over');
  return program;
}

function emitRun(assembler: Assembler, run: Run, verdict: Label): void {
  for (const type of ['a', 'c', 'b'] as const) {
    const rules = run.rules.filter((rule) => rule.type === type);
    if (rules.length === 0) continue;
    const body = byNumber(assembler, rules, 'major', (sameMajor) =>
      byNumber(assembler, sameMajor, 'minor', (sameDevice) => decideAccess(assembler, sameDevice, verdict)),
    );
    if (type === 'a') emit(assembler, body);
    else emitIfType(assembler, type, body);
  }
}

/** Rules for all numbers, then one test for each number. */
function byNumber(
  assembler: Assembler,
  rules: readonly Rule[],
  name: 'major' | 'minor',
  inner: (rules: readonly Rule[]) => Body,
): Body {
  const groups = [...Map.groupBy(rules, (rule) => rule[name])];
  const all = groups.find(([number]) => number === undefined)?.[1];
  if (all && groups.length === 1) return inner(all);
  const register = name === 'major' ? MAJOR : MINOR;
  return {
    code: () => {
      if (all) emit(assembler, inner(all));
      for (const [number, group] of groups)
        if (number !== undefined) emitIfNumber(assembler, register, number, inner(group));
    },
  };
}

/** Rules of one run for the same device are one rule by now (see rules.ts). */
function decideAccess(assembler: Assembler, rules: readonly Rule[], verdict: Label): Body {
  const [rule] = rules;
  if (!rule || rule.access === ALL_ACCESS) return { verdict };
  const bits = rule.access << ACCESS_SHIFT;
  return {
    code: () => {
      if (rule.allow) {
        assembler.and(ACCESS_TYPE, ~bits);
        assembler.jump(JLT_K, ACCESS_TYPE, 1 << ACCESS_SHIFT, verdict);
      } else assembler.jump(JSET_K, ACCESS_TYPE, bits, verdict);
    },
  };
}

function emit(assembler: Assembler, body: Body): void {
  if ('code' in body) body.code();
  else assembler.jump(JA, RESULT, 0, body.verdict);
}

/** One jump to the verdict if the test holds, or one over the code if it does not. */
function emitIfType(assembler: Assembler, type: 'b' | 'c', body: Body): void {
  if ('verdict' in body) {
    assembler.jump(JSET_K, ACCESS_TYPE, TYPE_BIT[type], body.verdict);
    return;
  }
  const next = assembler.label();
  assembler.jump(JSET_K, ACCESS_TYPE, TYPE_BIT[type === 'b' ? 'c' : 'b'], next);
  body.code();
  assembler.place(next);
}

function emitIfNumber(assembler: Assembler, register: Register, number: number, body: Body): void {
  if ('verdict' in body) {
    assembler.jump(JEQ_K, register, number, body.verdict);
    return;
  }
  const next = assembler.label();
  assembler.jump(JNE_K, register, number, next);
  body.code();
  assembler.place(next);
}
