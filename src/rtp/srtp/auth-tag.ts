/**
 * The authentication tag of SRTP, HMAC-SHA1 cut short: RFC 3711 §4.2, RFC 2104, RFC 3174.
 *
 * Our own SHA-1, because node:crypto makes an object for each packet: the two states that the key alone decides are made once, and a packet
 * costs its own blocks and one more. It has no table and no branch that depends on what it hashes.
 */

const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** Shared by all keys of a thread: nothing in them outlives a call. */
const schedule = new Int32Array(80);
const state = new Int32Array(5);
const tail = new Uint8Array(2 * BLOCK_BYTES);

export class HmacSha1 {
  readonly #inner = new Int32Array(5);
  readonly #outer = new Int32Array(5);

  /** A key of at most 64 bytes. */
  constructor(key: Uint8Array) {
    prepare(key, INNER_PAD, this.#inner);
    prepare(key, OUTER_PAD, this.#outer);
  }

  /** Writes the first `tagBytes` of the tag over `bytes` from `length` on, followed in the sum by `word` but not on the wire. */
  write(bytes: Uint8Array, length: number, word: number | undefined, at: number, tagBytes: number): void {
    this.#digest(bytes, length, word);
    for (let i = 0; i < tagBytes; i++) bytes[at + i] = byteOfState(i);
  }

  /** Whether the tag at `at` is right; how long it takes does not depend on where it is wrong. */
  verify(bytes: Uint8Array, length: number, word: number | undefined, at: number, tagBytes: number): boolean {
    this.#digest(bytes, length, word);
    let difference = 0;
    for (let i = 0; i < tagBytes; i++) difference |= bytes[at + i]! ^ byteOfState(i);
    return difference === 0;
  }

  /** Of the first `length` bytes, and of `word` (the roll-over counter) behind them; left in `state`. */
  #digest(bytes: Uint8Array, length: number, word: number | undefined): void {
    state.set(this.#inner);
    let at = 0;
    for (; at + BLOCK_BYTES <= length; at += BLOCK_BYTES) compress(bytes, at);
    let rest = 0;
    for (; at < length; at++) tail[rest++] = bytes[at]!;
    if (word !== undefined) {
      tail[rest++] = word >>> 24;
      tail[rest++] = word >>> 16;
      tail[rest++] = word >>> 8;
      tail[rest++] = word;
    }
    finish(rest, BLOCK_BYTES + length + (word === undefined ? 0 : 4));
    for (let i = 0; i < 20; i++) tail[i] = byteOfState(i);
    state.set(this.#outer);
    finish(20, BLOCK_BYTES + 20);
  }
}

function prepare(key: Uint8Array, pad: number, into: Int32Array): void {
  tail.fill(pad, 0, BLOCK_BYTES);
  for (let i = 0; i < key.length; i++) tail[i]! ^= key[i]!;
  state.set([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  compress(tail, 0);
  into.set(state);
}

function byteOfState(i: number): number {
  return (state[i >> 2]! >>> (24 - 8 * (i & 3))) & 0xff;
}

/** RFC 3174 §4: the padding of a message of `total` bytes, of which `rest` wait in `tail`. */
function finish(rest: number, total: number): void {
  const end = rest + 9 > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES;
  tail[rest] = 0x80;
  tail.fill(0, rest + 1, end - 4);
  const bits = total * 8;
  tail[end - 4] = bits >>> 24;
  tail[end - 3] = bits >>> 16;
  tail[end - 2] = bits >>> 8;
  tail[end - 1] = bits;
  compress(tail, 0);
  if (end > BLOCK_BYTES) compress(tail, BLOCK_BYTES);
}

/** RFC 3174 §6.1: one block into `state`. */
function compress(bytes: Uint8Array, at: number): void {
  const w = schedule;
  for (let i = 0; i < 16; i++, at += 4) w[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  for (let i = 16; i < 80; i++) {
    const x = w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!;
    w[i] = (x << 1) | (x >>> 31);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let next: number;
  for (let i = 0; i < 20; i++) {
    next = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + w[i]! + 0x5a827999) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 20; i < 40; i++) {
    next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + w[i]! + 0x6ed9eba1) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 40; i < 60; i++) {
    next = (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e + w[i]! + 0x8f1bbcdc) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 60; i < 80; i++) {
    next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + w[i]! + 0xca62c1d6) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = (state[0]! + a) | 0;
  state[1] = (state[1]! + b) | 0;
  state[2] = (state[2]! + c) | 0;
  state[3] = (state[3]! + d) | 0;
  state[4] = (state[4]! + e) | 0;
}
