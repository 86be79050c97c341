/** Every dialog of an agent, by Call-ID and both tags (RFC 3261 §12.2.2), and those who still wait for theirs: unanswered INVITEs, subscriptions (RFC 6665 §4.4.1). */
import { dialogKey } from '../dialog/dialog.js';
import type { DialogReference } from '../message/dialog-reference.js';
import type { SipRequest } from '../message/message.js';
import { Table } from '../transaction/table.js';
import type { Flow } from '../transport/flow.js';
import type { ServerExchange } from './agent-core.js';

export interface DialogMember {
  /** A request within the dialog; every one gets its answer. */
  onRequest(exchange: ServerExchange): void;
  /** The ACK of a 2xx. */
  onAck(ack: SipRequest, flow: Flow): void;
  /** The agent closes: `local` says goodbye to the peer, `transport` cannot. */
  close(why: 'local' | 'transport'): void;
  /** What the dialog belongs to, for Replaces and Target-Dialog. */
  readonly usage: unknown;
  /** The way it came, or was made. */
  readonly flow: Flow | undefined;
}

/** Knows its Call-ID and its own tag; whoever answers it is not known yet. */
export interface HalfMember {
  /** Whether the request was taken, and answered. */
  onRequest(exchange: ServerExchange): boolean;
  close(why: 'local' | 'transport'): void;
}

export class DialogTable {
  readonly #dialogs = new Table<DialogMember>();
  readonly #halves = new Table<HalfMember>();
  /** Where the peers of dialogs are: for each dialog, and how many there. */
  readonly #peers = new Table<string>();
  readonly #perPeer = new Map<string, number>();

  /** Zero when all is over. */
  get size(): number {
    return this.#dialogs.size + this.#halves.size;
  }

  add(key: string, member: DialogMember): void {
    this.#dialogs.set(key, member);
    this.#leavePeer(key);
    const address = member.flow?.remote.address;
    if (address === undefined) return;
    this.#peers.set(key, address);
    this.#perPeer.set(address, (this.#perPeer.get(address) ?? 0) + 1);
  }

  /** Whether there is a dialog with somebody there. */
  hasPeer(address: string): boolean {
    return this.#perPeer.has(address);
  }

  /** Only the member that is there: another may have taken the place. */
  remove(key: string, member: DialogMember): void {
    if (this.#dialogs.get(key) !== member) return;
    this.#dialogs.delete(key);
    this.#leavePeer(key);
  }

  #leavePeer(key: string): void {
    const address = this.#peers.get(key);
    if (address === undefined) return;
    this.#peers.delete(key);
    const left = this.#perPeer.get(address)! - 1;
    if (left === 0) this.#perPeer.delete(address);
    else this.#perPeer.set(address, left);
  }

  addHalf(callId: string, localTag: string, member: HalfMember): void {
    this.#halves.set(`${callId}\n${localTag}`, member);
  }

  /** Only the one that is there: a further attempt goes on with Call-ID and tag. */
  removeHalf(callId: string, localTag: string, member: HalfMember): void {
    const key = `${callId}\n${localTag}`;
    if (this.#halves.get(key) === member) this.#halves.delete(key);
  }

  /** Whether the request belongs to a dialog, or is the NOTIFY that may make one: who sends it was let in with the dialog. */
  knows(request: SipRequest): boolean {
    const callId = request.callId ?? '';
    const localTag = request.to?.tag;
    if (localTag === undefined) return false;
    return this.#dialogs.has(dialogKey(callId, localTag, request.from?.tag ?? '')) || this.#halves.has(`${callId}\n${localTag}`);
  }

  /** RFC 3891 §3, RFC 4538 §4: the to-tag of the reference is ours. */
  find(reference: DialogReference): DialogMember | undefined {
    return this.#dialogs.get(dialogKey(reference.callId, reference.toTag, reference.fromTag));
  }

  /** A request with a To tag. False: no such dialog, and a 481 is due (§12.2.2). */
  onRequest(exchange: ServerExchange): boolean {
    const { request } = exchange;
    const callId = request.callId;
    const localTag = request.to?.tag;
    if (callId === undefined || localTag === undefined) return false;
    const member = this.#dialogs.get(dialogKey(callId, localTag, request.from?.tag ?? ''));
    if (member === undefined) return this.#halves.get(`${callId}\n${localTag}`)?.onRequest(exchange) ?? false;
    member.onRequest(exchange);
    return true;
  }

  /** An ACK that belongs to no server transaction. False: a stray. */
  onAck(ack: SipRequest, flow: Flow): boolean {
    const member = this.#dialogs.get(dialogKey(ack.callId ?? '', ack.to?.tag ?? '', ack.from?.tag ?? ''));
    member?.onAck(ack, flow);
    return member !== undefined;
  }

  terminateAll(why: 'local' | 'transport'): void {
    for (const member of this.#dialogs.values()) member.close(why);
    for (const member of this.#halves.values()) member.close(why);
  }
}
