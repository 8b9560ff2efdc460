import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signalNumber } from '../../src/cli/signals.ts';

const test = suite('cli: signals');

test('a signal is given by number, name or whole name, in either case', () => {
  for (const text of ['9', '09', 'KILL', 'SIGKILL', 'kill', 'SigKill'])
    assert.is(signalNumber(text), 9, text);
  assert.is(signalNumber('TERM'), 15);
  assert.is(signalNumber('WINCH'), 28);
  assert.is(signalNumber('0'), 0);
});

test('real-time signals are counted from either end', () => {
  assert.is(signalNumber('RTMIN'), 34);
  assert.is(signalNumber('SIGRTMIN+3'), 37);
  assert.is(signalNumber('rtmax-14'), 50);
  assert.is(signalNumber('64'), 64);
});

test('what is no signal is refused, and the nearest one named', () => {
  for (const text of ['65', '-9', '', '1.5', 'RTMIN-1', 'RTMAX+1', '9x'])
    assert.throws(() => signalNumber(text), /signal/, text);
  assert.throws(() => signalNumber('SIGTERMM'), /^unknown signal SIGTERMM; did you mean TERM\?$/);
});

test.run();
