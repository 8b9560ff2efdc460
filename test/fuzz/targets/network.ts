// What a person or an engine writes of networks: settings, ports, addresses; and the state that a hook is given.

import { parseHookState } from '../../../src/network/hook-state.ts';
import { formatAddress, formatSubnet, parseAddress, parseSubnet } from '../../../src/network/ip.ts';
import { formatOptions, parseSettings, readOptions } from '../../../src/network/network-options.ts';
import { formatPublication, parsePublication } from '../../../src/network/publication.ts';
import { same, unlessRefused } from '../properties.ts';

export function fuzz(data: Buffer): void {
  const text = data.toString();
  unlessRefused(() => parseHookState(text), text);
  returns(text, parseAddress, formatAddress);
  returns(text, parseSubnet, formatSubnet);
  returns(text, parsePublication, formatPublication);
  returns(text, (from) => readOptions(parseSettings(from)), formatOptions);
}

/** What is accepted and written is accepted again, and means the same. */
function returns<T>(text: string, parse: (text: string) => T, format: (value: T) => string): void {
  const parsed = unlessRefused(() => parse(text), text);
  if (parsed) same(parse(format(parsed.value)), parsed.value, `${format(parsed.value)} of ${text}`);
}
