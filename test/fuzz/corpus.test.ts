// What fuzzing has found before is no fault any more, and holds without the fuzzer.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inputsOf, loadTarget, targetNames } from './corpus.ts';

const test = suite('fuzz: corpus');

for (const name of targetNames()) {
  test(name, async () => {
    const fuzz = await loadTarget(name);
    const inputs = inputsOf(name);
    assert.ok(inputs.length > 0, 'no input is kept');
    for (const { file, data } of inputs) {
      try {
        await fuzz(data);
      } catch (error) {
        throw new Error(`${file}: ${String(error)}`, { cause: error });
      }
    }
  });
}

test.run();
