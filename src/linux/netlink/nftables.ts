// Tables, chains and rules of nftables through nfnetlink, sent in one batch that the kernel does whole or not at all.
//
// Spoken directly because a rule set of ours is a dozen fixed shapes: the `nft` program would be a dependency of every
// host and a process for every attach. `nft list ruleset` shows what is made here in its own words.

import { attribute, be32, nested, text } from './attributes.ts';
import { AF_UNSPEC, NLM_F_APPEND, NLM_F_CREATE } from './netlink-constants.ts';
import type { Request } from './netlink-message.ts';
import {
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFTABLES,
  NFPROTO_INET,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWRULE,
  NFT_MSG_NEWTABLE,
  NFT_USERDATA_MAXLEN,
  NFTA_CHAIN_HOOK,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_TABLE,
  NFTA_CHAIN_TYPE,
  NFTA_HOOK_HOOKNUM,
  NFTA_HOOK_PRIORITY,
  NFTA_LIST_ELEM,
  NFTA_RULE_CHAIN,
  NFTA_RULE_EXPRESSIONS,
  NFTA_RULE_TABLE,
  NFTA_RULE_USERDATA,
  NFTA_TABLE_NAME,
} from './nftables-constants.ts';
import type { NetlinkSocket } from './socket.ts';

/** One step of a rule: an encoded NFTA_LIST_ELEM's content (nftables-expressions.ts). */
export type Expression = Buffer;

export interface Rule {
  readonly expressions: readonly Expression[];
  /** Shown by `nft list ruleset`. */
  readonly comment?: string | undefined;
}

export interface Chain {
  readonly name: string;
  /** Where packets enter it; a chain without a hook is entered by jumps only. */
  readonly hook?: { readonly type: 'filter' | 'nat'; readonly number: number; readonly priority: number };
  readonly rules: readonly Rule[];
}

/** A table of the family inet, which sees IPv4 and IPv6. Chains that others jump to come first. */
export interface Table {
  readonly name: string;
  readonly chains: readonly Chain[];
}

/** Makes the table, in the place of one of the same name if there is one; packets see either the old or the new one. */
export function replaceTable(socket: NetlinkSocket, table: Table): void {
  const doing = `make the nftables table ${table.name}`;
  const chains = table.chains.map((chain) => newChain(table.name, chain));
  const rules = table.chains.flatMap((chain) =>
    chain.rules.map((rule) => newRule(table.name, chain.name, rule)),
  );
  transact(socket, [...removal(table.name, doing), newTable(table.name, doing), ...chains, ...rules]);
}

/** Removes the table, if there is one. */
export function removeTable(socket: NetlinkSocket, name: string): void {
  transact(socket, removal(name, `remove the nftables table ${name}`));
}

/** Making it first spares the question whether it exists. */
function removal(name: string, doing: string): Request[] {
  return [newTable(name, doing), request(NFT_MSG_DELTABLE, 0, [text(NFTA_TABLE_NAME, name)], doing)];
}

function newTable(name: string, doing: string): Request {
  return request(NFT_MSG_NEWTABLE, NLM_F_CREATE, [text(NFTA_TABLE_NAME, name)], doing);
}

function newChain(table: string, { name, hook }: Chain): Request {
  const attributes = [text(NFTA_CHAIN_TABLE, table), text(NFTA_CHAIN_NAME, name)];
  if (hook) {
    const { type, number, priority } = hook;
    const place = [be32(NFTA_HOOK_HOOKNUM, number), be32(NFTA_HOOK_PRIORITY, priority)];
    attributes.push(nested(NFTA_CHAIN_HOOK, ...place), text(NFTA_CHAIN_TYPE, type));
  }
  return request(NFT_MSG_NEWCHAIN, NLM_F_CREATE, attributes, `make the nftables chain ${table} ${name}`);
}

function newRule(table: string, chain: string, { expressions, comment }: Rule): Request {
  const list = expressions.map((expression) => nested(NFTA_LIST_ELEM, expression));
  const attributes = [
    text(NFTA_RULE_TABLE, table),
    text(NFTA_RULE_CHAIN, chain),
    nested(NFTA_RULE_EXPRESSIONS, ...list),
  ];
  if (comment) attributes.push(attribute(NFTA_RULE_USERDATA, commentData(comment)));
  const flags = NLM_F_CREATE | NLM_F_APPEND;
  return request(NFT_MSG_NEWRULE, flags, attributes, `add a rule to the nftables chain ${table} ${chain}`);
}

/** User data as libnftnl writes a comment (libnftnl/udata.h): type 0, length, string with its NUL. */
function commentData(comment: string): Buffer {
  const most = NFT_USERDATA_MAXLEN / 2;
  const string = Buffer.from(`${comment.slice(0, most - 3)}\0`, 'latin1');
  return Buffer.concat([Uint8Array.of(0, string.length), string]);
}

function request(message: number, flags: number, attributes: readonly Buffer[], doing: string): Request {
  const type = (NFNL_SUBSYS_NFTABLES << 8) | message;
  return { doing, type, flags, payload: Buffer.concat([header(NFPROTO_INET, 0), ...attributes]) };
}

function transact(socket: NetlinkSocket, requests: readonly Request[]): void {
  const payload = header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  const edge = (type: number) => ({ doing: 'open a batch of nftables', type, flags: 0, payload });
  socket.batch(edge(NFNL_MSG_BATCH_BEGIN), requests, edge(NFNL_MSG_BATCH_END));
}

/** struct nfgenmsg: family, version 0, resource id in network order. */
function header(family: number, resource: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt8(family, 0);
  bytes.writeUInt16BE(resource, 2);
  return bytes;
}
