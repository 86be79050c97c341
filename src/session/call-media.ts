// The media of one call: its stream, opened once; the keys and the address that go into its descriptions; and what was agreed, put to work.

import type { DtmfDigit } from '../codec/dtmf-keypad.js';
import { OptionError } from '../errors.js';
import type { MediaStream, StreamEvent } from '../rtp/media-stream.js';
import { type CryptoKeys, type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../rtp/srtp/crypto-line.js';
import type { PayloadFormat, StreamParameters } from '../rtp/stream-parameters.js';
import { type AgreedMedia, type Agreement, mayReceive, maySend } from './agreement.js';
import type { CallContext, CallOptions, ResolvedCallOptions } from './call-options.js';
import type { Capabilities } from './capabilities.js';
import type { DtmfWay } from './dtmf-relay.js';
import type { AgreedFormat } from './formats.js';
import { given } from './given.js';
import { type Direction, hasKeys, isAddress, type SdpFailure, type SessionDescription } from './sdp.js';

export interface CallMediaEvents {
  onStream(stream: MediaStream): void;
  onCodec(format: AgreedFormat): void;
  onDtmf(digit: DtmfDigit, durationMs: number, way: DtmfWay): void;
  /** Nothing came for `mediaTimeoutMs`. */
  onSilent(): void;
  onFailed(error: Error): void;
}

/** What an offer names, the one that everybody has first; an answer takes any that there is. */
const OFFERED: readonly CryptoSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AES_256_CM_HMAC_SHA1_80',
  'AEAD_AES_256_GCM',
];
export const ACCEPTED_SUITES: readonly CryptoSuite[] = [
  ...OFFERED,
  'AEAD_AES_128_GCM',
  'AES_256_CM_HMAC_SHA1_32',
  'AES_192_CM_HMAC_SHA1_80',
  'AES_192_CM_HMAC_SHA1_32',
];

export class CallMedia {
  readonly #context: CallContext;
  readonly #events: CallMediaEvents;
  readonly #listeners = new Set<() => void>();
  #options: ResolvedCallOptions;
  #opening: Promise<MediaStream> | undefined;
  #stream: MediaStream | undefined;
  #keys: readonly CryptoKeys[] | undefined;
  #media: AgreedMedia | undefined;
  #isHeld = false;
  #isWatched = false;
  #isClosed = false;
  /** Of the last host name in a c= line, and where it is. */
  #resolved: { readonly name: string; readonly address: string } | undefined;

  constructor(context: CallContext, options: ResolvedCallOptions, events: CallMediaEvents) {
    this.#context = context;
    this.#options = options;
    this.#events = events;
  }

  get stream(): MediaStream | undefined {
    return this.#stream;
  }

  get options(): ResolvedCallOptions {
    return this.#options;
  }

  /** The same, as one would give them again. */
  get given(): CallOptions {
    const { rtpHost, ...options } = this.#options;
    return { ...options, ...given({ rtpHost }) };
  }

  /** For what follows; the bot's rate can be changed only before the stream is there. */
  reconfigure(options: ResolvedCallOptions): void {
    const { audio } = options;
    if (
      this.#opening !== undefined &&
      (audio.sampleRate !== this.#options.audio.sampleRate || audio.frameMs !== this.#options.audio.frameMs)
    )
      throw new OptionError('audio', 'cannot be changed once the media of a call is open');
    this.#options = options;
  }

  /** The same stream however often it is asked for. Rejects with CallError when there are no ports. */
  open(): Promise<MediaStream> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<MediaStream> {
    const {
      rtpHost: host,
      audio: { sampleRate, frameMs },
    } = this.#options;
    const stream = await this.#context.engine.open({ sampleRate, frameMs, host });
    if (this.#isClosed) {
      stream.close();
      return stream;
    }
    this.#stream = stream;
    stream.onEvent = this.#onEvent;
    this.#listen();
    this.#events.onStream(stream);
    return stream;
  }

  /** Frames are there to be read; every listener is told. The result stops it. */
  onFrames(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#listen();
    return () => {
      this.#listeners.delete(listener);
      this.#listen();
    };
  }

  /** Most calls have one who listens: it hears from the stream itself. */
  #listen(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const [first, ...others] = this.#listeners;
    stream.onFrames = others.length === 0 ? first : this.#tellAll;
  }

  readonly #tellAll = (): void => {
    for (const listener of this.#listeners) listener();
  };

  /** What we can do, for an offer or an answer to `offered`. The stream has to be open. */
  capabilities(
    purpose: 'offer' | 'answer',
    direction: Direction,
    remote: string | undefined,
    offered: SessionDescription | SdpFailure | undefined,
  ): Capabilities {
    const stream = this.#stream!;
    const { codecs, codecOrder, srtp, ptimeMs, telephoneEvent, comfortNoise, rtcpMux } = this.#options;
    return {
      address: this.#context.mediaAddress(stream, remote),
      port: stream.local.port,
      rtcpPort: stream.local.rtcpPort,
      codecs,
      codecOrder,
      srtp,
      // Random numbers are dear: where SRTP is taken and not asked for, keys are made for who brings some.
      keys: srtp === 'off' || (srtp === 'accept' && offered !== undefined && !hasKeys(offered)) ? [] : this.#keysFor(purpose),
      direction,
      ptimeMs,
      telephoneEvent,
      comfortNoise,
      rtcpMux,
    };
  }

  /**
   * What was agreed holds from now on; the audio goes on through every change. While either side holds, nothing is sent and nothing is heard, so that
   * no music reaches a recogniser and no word is lost to it.
   */
  apply(agreement: Agreement, mode: 'held' | 'live'): void {
    const before = this.#media?.codec;
    this.#media = agreement.media;
    this.#isHeld = mode === 'held';
    this.#configure();
    const { codec } = agreement.media;
    if (before?.codec !== codec.codec || before.clockRate !== codec.clockRate) this.#events.onCodec(codec);
  }

  /** From the answer on, silence is a sign that the peer is gone; before it, it is ringing. */
  watch(): void {
    this.#isWatched = true;
    if (this.#media !== undefined && !this.#isClosed) this.#stream?.watch(this.#silentAfterMs(this.#media));
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.close();
    this.#listeners.clear();
  }

  #configure(): void {
    const media = this.#media;
    if (media === undefined || this.#stream === undefined || this.#isClosed) return;
    try {
      this.#stream.configure(this.#parameters(media));
    } catch (error) {
      this.#events.onFailed(error as Error);
    }
  }

  #parameters(media: AgreedMedia): StreamParameters {
    const { inbandDtmf, symmetricRtp } = this.#options;
    return {
      remote: this.#remoteOf(media),
      send: maySend(media) && !this.#isHeld,
      receive: this.#hears(media),
      codec: payloadFormat(media.codec),
      accept: media.accept.map(payloadFormat),
      telephoneEvent: media.telephoneEvent,
      comfortNoise: media.comfortNoise,
      detectInbandDtmf: inbandDtmf && media.telephoneEvent === undefined,
      rtcpMux: media.rtcpMux,
      reducedSizeRtcp: media.reducedSizeRtcp,
      srtp: media.srtp,
      latch: symmetricRtp,
      silentAfterMs: this.#silentAfterMs(media),
    };
  }

  #hears(media: AgreedMedia): boolean {
    return mayReceive(media) && !this.#isHeld;
  }

  /** A peer that holds, or only listens, may be as silent as it likes. */
  #silentAfterMs(media: AgreedMedia): number {
    return this.#isWatched && this.#hears(media) ? this.#options.mediaTimeoutMs : 0;
  }

  #remoteOf(media: AgreedMedia): StreamParameters['remote'] {
    const { remote } = media;
    if (remote === undefined || isAddress(remote.address)) return remote;
    if (this.#resolved?.name === remote.address) return { ...remote, address: this.#resolved.address };
    void this.#lookUp(remote.address);
    return undefined;
  }

  async #lookUp(name: string): Promise<void> {
    try {
      const address = await this.#context.lookup?.(name);
      if (address === undefined || this.#isClosed || this.#media?.remote?.address !== name) return;
      this.#resolved = { name, address };
      this.#configure();
    } catch (error) {
      this.#context.logger.warn({ name, error }, 'the host name in a c= line could not be resolved');
    }
  }

  #keysFor(purpose: 'offer' | 'answer'): readonly CryptoKeys[] {
    const suites = purpose === 'offer' ? OFFERED : ACCEPTED_SUITES;
    this.#keys ??= ACCEPTED_SUITES.map((suite) => cryptoKeysFrom(suite, this.#context.random.bytes(cryptoKeyLength(suite))));
    return this.#keys.filter((keys) => suites.includes(keys.suite));
  }

  readonly #onEvent = (event: StreamEvent): void => {
    switch (event.type) {
      case 'dtmf':
        this.#events.onDtmf(event.digit, event.durationMs, event.via);
        break;
      case 'silent':
        this.#events.onSilent();
        break;
      case 'failed':
        this.#events.onFailed(event.error);
        break;
    }
  };
}

function payloadFormat(format: AgreedFormat): PayloadFormat {
  const { payloadType, codec, ptimeMs, fmtp, clockRate } = format;
  return {
    payloadType,
    codec,
    ptimeMs,
    ...(fmtp === undefined ? {} : { fmtp }),
    // L16 alone leaves its rate to the rtpmap.
    ...(codec === 'l16' ? { sampleRate: clockRate } : {}),
  };
}
