// Loaded before a test file when `npm test -- --name TEXT` was given: of each uvu suite only the tests with TEXT in
// their name are taken. uvu itself knows no such choice.

import { registerHooks } from 'node:module';
import type { Test } from 'uvu';

const ORIGINAL = import.meta.resolve('uvu');
const wanted = process.env.TSOCI_TEST_NAME ?? '';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'uvu' && context.parentURL !== import.meta.url
      ? { url: import.meta.url, format: 'module-typescript', shortCircuit: true }
      : next(specifier, context),
});

const uvu = (await import(ORIGINAL)) as typeof import('uvu');

export function suite<Context>(name?: string, context?: Context): Test<Context> {
  const all = uvu.suite<Context>(name, context);
  const chosen = ((title: string, body: Parameters<typeof all>[1]) => {
    if (title.includes(wanted)) all(title, body);
  }) as Test<Context>;
  return Object.assign(chosen, all);
}
