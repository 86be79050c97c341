/**
 * A TCP or TLS byte stream to messages under any split, RFC 3261 §18.3, with the CRLF keep-alive of RFC 5626 §3.5.1.
 * Holds at most one unfinished message; looks at each byte once. What cannot become a message ends the stream politely: one `broken`, then nothing.
 */
import { is, parseDigits, TOKEN } from './chars.js';
import { headerName } from './header-name.js';
import { HeaderList } from './headers.js';
import { type Limits, type ParseLimits, resolveLimits } from './limits.js';
import { makeFailure, type ParseFailure } from './parse-failure.js';
import { scanHead } from './scan.js';

export type Frame =
  /** One whole message for `parse`. The bytes are the frame's own or the pushed chunk's: read them before the chunk is used again. */
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  /** Double CRLF: answer one CRLF. */
  | { readonly type: 'ping' }
  /** The CRLF that answers our ping. */
  | { readonly type: 'pong' }
  /** Nothing more will come: answer what `failure` allows (`responseToFailure`), then close. */
  | { readonly type: 'broken'; readonly why: string; readonly failure: ParseFailure };

const CONTENT_LENGTH = headerName('Content-Length');
const LF = 10;
const CR = 13;

export class Framer {
  readonly #limits: Limits;
  /** What is left of earlier chunks, `#length` bytes of it. */
  #held: Buffer = Buffer.alloc(0);
  #length = 0;
  /** How far the unfinished head has been searched for its end. */
  #searched = 0;
  /** Bytes of the whole unfinished message, once its head is known. */
  #needed = 0;
  /** A CRLF was the last thing seen, and given out as pong. */
  #afterPong = false;
  #isBroken = false;

  constructor(limits?: ParseLimits) {
    this.#limits = resolveLimits(limits);
  }

  /** Bytes held of a message that has not ended: more than 0 for long means a slow or a dead sender. */
  get pendingBytes(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): Frame[] {
    if (this.#isBroken || bytes.length === 0) return [];
    const isHeld = this.#length > 0;
    const buffer = isHeld ? this.#append(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const frames: Frame[] = [];
    const used = this.#read(buffer, frames, isHeld);
    if (this.#isBroken) {
      this.#held = Buffer.alloc(0);
      this.#length = 0;
    } else if (isHeld) {
      if (used > 0) this.#held.copyWithin(0, used, this.#length);
      this.#length -= used;
    } else if (used < buffer.length) {
      this.#append(buffer.subarray(used));
    }
    return frames;
  }

  #append(bytes: Uint8Array): Buffer {
    const total = this.#length + bytes.length;
    if (total > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(total, this.#held.length * 2, 2048));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    this.#held.set(bytes, this.#length);
    this.#length = total;
    return this.#held.subarray(0, total);
  }

  /** Takes every whole frame; returns how many bytes are done with. */
  #read(buffer: Buffer, frames: Frame[], isHeld: boolean): number {
    let at = 0;
    for (;;) {
      if (this.#needed === 0) {
        at = this.#betweenMessages(buffer, at, frames);
        if (at >= buffer.length || buffer[at] === CR) return at;
        if (!this.#findEnd(buffer, at, frames)) return at;
      }
      if (buffer.length - at < this.#needed) return at;
      const end = at + this.#needed;
      // The held buffer moves on under its frames; a chunk does not.
      frames.push({ type: 'message', bytes: isHeld ? Buffer.from(buffer.subarray(at, end)) : buffer.subarray(at, end) });
      at = end;
      this.#needed = 0;
      this.#searched = 0;
    }
  }

  /** RFC 5626 §3.5.1; §7.5 of RFC 3261 has other line ends ignored. Stops at the next message, or at a CR that may still become CRLF. */
  #betweenMessages(buffer: Buffer, from: number, frames: Frame[]): number {
    let at = from;
    if (this.#searched > 0) return at;
    while (at < buffer.length) {
      if (buffer[at] === LF) at++;
      else if (buffer[at] === CR && buffer[at + 1] === LF) {
        if (this.#afterPong) {
          // The second half of a ping that was cut in two; taken for a pong, the first half did no harm.
          this.#afterPong = false;
          frames.push({ type: 'ping' });
          at += 2;
        } else if (buffer[at + 2] === CR && buffer[at + 3] === LF) {
          frames.push({ type: 'ping' });
          at += 4;
        } else if (at + 2 === buffer.length) {
          // Only a CRLF that nothing follows answers a ping; before a message it means nothing.
          this.#afterPong = true;
          frames.push({ type: 'pong' });
          at += 2;
        } else if (buffer[at + 2] === CR && at + 3 === buffer.length) {
          // Half of a second CRLF: the other half decides.
          return at;
        } else at += 2;
      } else break;
    }
    if (at < buffer.length && buffer[at] !== CR) this.#afterPong = false;
    return at;
  }

  /** Looks for the end of the head and reads how long the message is. */
  #findEnd(buffer: Buffer, at: number, frames: Frame[]): boolean {
    if (!is(buffer[at]!, TOKEN)) return this.#give(frames, 'bytes that begin no message', buffer.subarray(at));
    let line = buffer.indexOf(LF, at + this.#searched);
    while (line !== -1) {
      const next = buffer[line + 1];
      if (next === LF || (next === CR && buffer[line + 2] === LF)) {
        return this.#measure(buffer, at, line + (next === LF ? 2 : 3), frames);
      }
      if (next === undefined || (next === CR && line + 2 >= buffer.length)) break;
      line = buffer.indexOf(LF, line + 1);
    }
    const length = buffer.length - at;
    if (length > this.#limits.headBytes) return this.#give(frames, 'the head is too long', buffer.subarray(at), 513);
    this.#searched = line === -1 ? length : line - at;
    return false;
  }

  #measure(buffer: Buffer, at: number, bodyFrom: number, frames: Frame[]): boolean {
    const text = buffer.toString('latin1', at, bodyFrom);
    if (text.length > this.#limits.headBytes) return this.#give(frames, 'the head is too long', buffer.subarray(at), 513);
    const startLine = text.slice(0, text.indexOf('\n'));
    if (!/^SIP\/|[ \t]SIP\/\d/i.test(startLine)) return this.#give(frames, 'another protocol', buffer.subarray(at, bodyFrom));
    const lengths = contentLengths(buffer, at, text, this.#limits);
    if (lengths.some((length) => length === undefined || length !== lengths[0])) {
      return this.#give(frames, 'Content-Length is malformed', buffer.subarray(at, bodyFrom));
    }
    // Deviation: §18.3 wants Content-Length on a stream; where it is missing there is taken to be no body.
    const length = lengths[0] ?? 0;
    if (length > this.#limits.bodyBytes) return this.#give(frames, 'the body is too long', buffer.subarray(at, bodyFrom), 513);
    this.#needed = bodyFrom - at + length;
    return true;
  }

  #give(frames: Frame[], why: string, bytes: Buffer, status: ParseFailure['status'] = 400): false {
    this.#isBroken = true;
    frames.push({ type: 'broken', why, failure: makeFailure(why, bytes.toString('latin1', 0, 16_384), status) });
    return false;
  }
}

/** A head with a broken line in it still says how long its message is: `parse` will tell what is wrong, and the stream lives on. */
const contentLengths = (buffer: Buffer, at: number, text: string, limits: Limits): (number | undefined)[] => {
  const head = scanHead(buffer, at, text, true, limits);
  const values =
    typeof head === 'string'
      ? [...text.matchAll(/^(?:content-length|l)[ \t]*:([^\r\n]*)/gim)].map((match) => match[1]!.trim())
      : HeaderList.scanned(head).all(CONTENT_LENGTH);
  return values.map((value) => parseDigits(value, Number.MAX_SAFE_INTEGER));
};
