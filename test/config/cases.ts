// What the tests of the rules share.

import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Finding } from '../../src/config/finding.ts';
import type { Config, IDMapping, Linux, Mount, NamespaceType } from '../../src/config/generated/types.ts';
import { checkConfig } from '../../src/config/rules/index.ts';

/** No user or group id. */
export const NO_ID = 4294967295;

/** What is (or only seems) wrong, a value, and where it is found: "! /pointer" for an error, "? /pointer" for a warning. */
export type Case<T> = [what: string, value: T, ...places: string[]];

/** A test for each case. `wrap` makes a configuration of the value, which is then at `base` in it. */
export function testAll<T>(
  test: Test,
  name: string,
  cases: readonly Case<T>[],
  base: string,
  wrap: (value: T) => Config,
): void {
  for (const [what, value, ...places] of cases) {
    test(`${name}: ${what}`, () => {
      const expected = places.map((place) => place.replace(' ', ` ${base}`));
      assert.equal(checkConfig(wrap(value)).map(show).sort(), expected.sort());
    });
  }
}

export function show({ level, pointer }: Finding): string {
  return `${level === 'error' ? '!' : '?'} ${pointer}`;
}

export function isolated(...types: NamespaceType[]): Linux {
  return { namespaces: types.map((type) => ({ type })) };
}

export function mapped(uidMappings: ReturnType<typeof id>[], ...types: NamespaceType[]): Linux {
  return { ...isolated('user', ...types), uidMappings, gidMappings: [id(0, 0, 1)] };
}

export function id(containerID: number, hostID: number, size: number): IDMapping {
  return { containerID, hostID, size };
}

export function bind(...options: string[]): Mount {
  return { destination: '/x', source: '/x', options: ['bind', ...options] };
}
