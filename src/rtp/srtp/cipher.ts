/**
 * AES in counter mode as SRTP has it, RFC 3711 §4.1.1: the keystream of packet `index` of source `ssrc`, laid over bytes in place.
 *
 * One cipher object for the life of the key: AES-ECB over the counters is the keystream, and it costs a fifth of an AES-CTR object made
 * for each packet. AES itself is OpenSSL's; tables in JavaScript would tell the key by their timing.
 */
import { type Cipher, createCipheriv } from 'node:crypto';

const BLOCK_BYTES = 16;
/** How many blocks one call of the cipher takes. */
const MOST_BLOCKS = 128;

/** One for all ciphers of a thread: nothing in it outlives a call. `views[n]` is its first n blocks. */
const counters = Buffer.alloc(MOST_BLOCKS * BLOCK_BYTES);
const counterWords = new DataView(counters.buffer, counters.byteOffset, counters.length);
const views = Array.from({ length: MOST_BLOCKS + 1 }, (_, blocks) => counters.subarray(0, blocks * BLOCK_BYTES));

export class AesCounter {
  readonly #cipher: Cipher;
  readonly #packetsAhead: number;
  /** The session salt with two zeros behind it, as four numbers. */
  readonly #salt: readonly [number, number, number, number];
  /** Keystream made ahead: of `#madePackets` packets from index `#madeFrom` on, `#madeBytes` for each. */
  #made: Buffer | undefined;
  #madeSsrc = 0;
  #madeFrom = -1;
  #madePackets = 0;
  #madeBytes = 0;

  /** Where packets come in order, `packetsAhead` of them are ciphered by one call, which costs hardly more than for one. */
  constructor(key: Uint8Array, salt: Uint8Array, packetsAhead = 1) {
    this.#cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
    this.#packetsAhead = packetsAhead;
    const block = Buffer.alloc(BLOCK_BYTES);
    block.set(salt);
    this.#salt = [block.readInt32BE(0), block.readInt32BE(4), block.readInt32BE(8), block.readInt32BE(12)];
  }

  /** Ciphers or deciphers `bytes` from `from` to before `to`. The index is below 2^48. */
  apply(bytes: Uint8Array, from: number, to: number, ssrc: number, index: number): void {
    const blocks = Math.ceil((to - from) / BLOCK_BYTES);
    if (blocks > MOST_BLOCKS) {
      this.#applyLong(bytes, from, to, ssrc, index);
      return;
    }
    if (blocks === 0) return;
    const ahead = index - this.#madeFrom;
    if (ahead < 0 || ahead >= this.#madePackets || ssrc !== this.#madeSsrc || blocks * BLOCK_BYTES > this.#madeBytes) {
      this.#make(ssrc, index, blocks);
      lay(this.#made!, 0, bytes, from, to);
      return;
    }
    lay(this.#made!, ahead * this.#madeBytes, bytes, from, to);
  }

  #make(ssrc: number, index: number, blocks: number): void {
    // Ahead of a packet that follows the last ones; any other may be a straggler, and stands alone.
    const follows = ssrc === this.#madeSsrc && index === this.#madeFrom + this.#madePackets;
    const packets = follows ? Math.max(1, Math.min(this.#packetsAhead, Math.floor(MOST_BLOCKS / blocks))) : 1;
    for (let packet = 0; packet < packets; packet++) this.#count(packet * blocks, blocks, 0, ssrc, index + packet);
    this.#made = this.#cipher.update(views[packets * blocks]!);
    this.#madeSsrc = ssrc;
    this.#madeFrom = index;
    this.#madePackets = packets;
    this.#madeBytes = blocks * BLOCK_BYTES;
  }

  /** Longer than any voice: nothing is kept of it. */
  #applyLong(bytes: Uint8Array, from: number, to: number, ssrc: number, index: number): void {
    for (let first = 0; from < to; first += MOST_BLOCKS) {
      const end = Math.min(to, from + MOST_BLOCKS * BLOCK_BYTES);
      this.#count(0, MOST_BLOCKS, first, ssrc, index);
      lay(this.#cipher.update(views[MOST_BLOCKS]!), 0, bytes, from, end);
      from = end;
    }
  }

  /** §4.1.1: IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16), and the number of the block in its last 16 bits. */
  #count(at: number, blocks: number, firstBlock: number, ssrc: number, index: number): void {
    const word1 = this.#salt[1] ^ ssrc;
    const word2 = this.#salt[2] ^ (index / 0x10000);
    const word3 = this.#salt[3] ^ (index << 16);
    for (let block = 0, offset = at * BLOCK_BYTES; block < blocks; block++, offset += BLOCK_BYTES) {
      counterWords.setInt32(offset, this.#salt[0]);
      counterWords.setInt32(offset + 4, word1);
      counterWords.setInt32(offset + 8, word2);
      counterWords.setInt32(offset + 12, word3 ^ (firstBlock + block));
    }
  }
}

function lay(keystream: Buffer, at: number, bytes: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) bytes[i]! ^= keystream[at++]!;
}
