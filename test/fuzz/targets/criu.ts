// Responses of criu (src/criu): Protocol Buffers.

import { requestForm, responseForm } from '../../../src/criu/messages.ts';
import { same } from '../properties.ts';

export function fuzz(data: Buffer): void {
  for (const { decode, encode } of [requestForm, responseForm]) {
    let message: ReturnType<typeof decode>;
    try {
      message = decode(data);
    } catch (error) {
      // criu.ts makes an error of ours of it.
      if (error instanceof RangeError && /^a (?:field|number) is cut off$/.test(error.message)) continue;
      throw error;
    }
    same(decode(encode(message as never)), message, 'what was encoded and decoded again');
  }
}
