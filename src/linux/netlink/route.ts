// Routes by rtnetlink(7): RTM_NEWROUTE.

import { attribute, u32 } from './attributes.ts';
import {
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTA_GATEWAY,
  RTA_OIF,
  RTM_NEWROUTE,
  RTN_UNICAST,
  RTPROT_STATIC,
} from './netlink-constants.ts';
import type { Request } from './netlink-message.ts';

/** A default route: everything that no other route takes goes to `gateway` through the device `index`. */
export function createDefaultRoute(
  family: number,
  gateway: Uint8Array,
  index: number,
  doing: string,
): Request {
  // struct rtmsg: family, length of the destination, of the source, tos, table, protocol, scope, type, 32 bits of flags.
  const header = Buffer.alloc(12);
  header.set([family, 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST]);
  const payload = Buffer.concat([header, attribute(RTA_GATEWAY, gateway), u32(RTA_OIF, index)]);
  return { doing, type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_EXCL, payload };
}
