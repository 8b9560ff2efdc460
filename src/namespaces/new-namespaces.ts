// New namespaces: unshare(2) and clone3(2), and what can be set only from within one.

import type { Program } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { explainNamespaces, namespaceHint } from './namespace-refusal.ts';

/** Moves the stub into new namespaces. */
export function unshare(stub: StubProcess, flags: number, doing: string): void {
  const program = stub.program();
  addUnshare(program, flags, doing);
  stub.run(program);
}

/** Adds what does that. */
export function addUnshare(program: Program, flags: number, doing: string): void {
  program.call('unshare', [flags], doing, { hint: (errno) => namespaceHint(flags, errno) });
}

/** Init, or what else `role` says: a clone of the stub in new namespaces, and in the cgroup of which `cgroup` is a descriptor in the stub. */
export function cloneInit(
  boot: StubProcess,
  flags: number,
  cgroup: number | undefined,
  role = 'init',
): StubProcess {
  const doing = role === 'init' ? 'make the namespaces of the container' : 'make the namespaces';
  try {
    return boot.clone(flags, doing, cgroup, role);
  } catch (error) {
    throw explainNamespaces(doing, flags, error);
  }
}

/** config.md#hostname: sethostname(2) in a UTS namespace of the container's. */
export function setHostname(program: Program, hostname: string | undefined): void {
  if (!hostname) return;
  program.call('sethostname', [hostname, Buffer.byteLength(hostname)], `set hostname ${hostname}`);
}

/** config.md#domainname: setdomainname(2). */
export function setDomainname(program: Program, domainname: string | undefined): void {
  if (!domainname) return;
  program.call('setdomainname', [domainname, Buffer.byteLength(domainname)], `set domainname ${domainname}`);
}
