/** When sound comes over a call's wire: every packet of G.711 that arrives, and whether it sounds. What is encrypted or in another codec is not seen. */
import type { Call } from '../bot.js';
import { decoder } from '../codec/registry.js';
import { parseRtp, RtpHeader } from '../rtp/header.js';

/** Root mean square of what nobody takes for a voice. */
const SILENT = 60;
const CODECS = { 0: 'pcmu', 8: 'pcma' } as const;

export class WireTrack {
  /** Arrival of each packet that sounds, in milliseconds of wall time. */
  readonly sounds: number[] = [];
  /** How loud each of them is: root mean square. */
  readonly levels: number[] = [];
  /** Samples between the first that sounds and the last, silence in between included: what `playedMs` must be of one sound. */
  soundingSamples = 0;
  /** How much of the last packet that sounds does: up to its last sample that is no silence. */
  lastSoundingMs = 0;
  #samples = 0;
  #first = -1;
  readonly #header = new RtpHeader();

  /** Both directions of a call, which nobody else may capture meanwhile. */
  static of(call: Call): { readonly in: WireTrack; readonly out: WireTrack } {
    const tracks = { in: new WireTrack(), out: new WireTrack() };
    call.capture(({ direction, bytes, wall }) => tracks[direction].take(bytes, wall));
    return tracks;
  }

  /** Sounded last, if it ever did. */
  get lastAt(): number | undefined {
    return this.sounds.at(-1);
  }

  /** The first sound at or behind a moment. */
  firstFrom(at: number): number | undefined {
    return this.sounds.find((one) => one >= at);
  }

  /** From a moment on: when the first silence of at least `gapMs` began; undefined when there is none until `now`. */
  silentFrom(at: number, gapMs: number, now: number): number | undefined {
    let last = at;
    for (const one of this.sounds) {
      if (one < at) continue;
      if (one - last >= gapMs) return last;
      last = one;
    }
    return now - last >= gapMs ? last : undefined;
  }

  take(bytes: Uint8Array, at: number): void {
    const header = parseRtp(bytes, bytes.length, this.#header);
    if (header === undefined || !(header.payloadType in CODECS)) return;
    const { payloadType, payloadOffset, payloadLength } = header;
    const samples = new Int16Array(payloadLength);
    decoder(CODECS[payloadType as keyof typeof CODECS]).decode(bytes, payloadOffset, payloadLength, samples, 0);
    let squares = 0;
    for (const [i, sample] of samples.entries()) {
      squares += sample * sample;
      if (Math.abs(sample) <= SILENT) continue;
      if (this.#first < 0) this.#first = this.#samples + i;
      this.soundingSamples = this.#samples + i + 1 - this.#first;
    }
    this.#samples += payloadLength;
    const level = Math.sqrt(squares / payloadLength);
    if (level <= SILENT) return;
    this.lastSoundingMs = (samples.findLastIndex((sample) => Math.abs(sample) > SILENT) + 1) / 8;
    this.sounds.push(at);
    this.levels.push(level);
  }
}
