/**
 * One call's media in the thread that keeps its time: wiring only.
 *
 *   socket -> RTP or RTCP (RFC 5761) -> unprotect -> header -> whose is it -> statistics -> events, jitter buffer -> Inbound -> ring
 *   ring -> Outbound -> protect -> socket
 *
 * Nothing here is allocated for a packet.
 */
import type { Clock } from '../clock.js';
import type { DatagramSocket } from '../network.js';
import type { Random } from '../random.js';
import { after, PlacePool } from './cells.js';
import { FrameRingWriter } from './frame-ring.js';
import { FrameTap } from './frame-tap.js';
import { isRtcp, parseRtp, RtpHeader } from './header.js';
import { Inbound } from './inbound.js';
import { type MediaClock, SLOT_MS } from './media-clock.js';
import { Outbound } from './outbound.js';
import { Playout } from './playout.js';
import type { PlayoutSegment } from './playout-memory.js';
import { PlayoutReader } from './playout-reader.js';
import { ReceiverStats } from './receiver-stats.js';
import { SharedViews } from './shared-views.js';
import { RtpSource } from './source.js';
import type { CryptoKeys } from './srtp/crypto-line.js';
import { type KeyNews, StreamKeys } from './stream-keys.js';
import { firstSegment, laneLayout, silenceWord, streamLayout } from './stream-memory.js';
import type { StreamParameters } from './stream-parameters.js';
import { StreamReport, type StreamTally } from './stream-report.js';
import { StreamRtcp } from './stream-rtcp.js';
import type { RtcpSession, RtcpSessionOptions, SrtpContext } from './stream-seams.js';
import { streamCounters } from './stream-stats.js';
import { SymmetricRtp } from './symmetric.js';

/** What a stream tells the application's thread, besides frames. */
export type StreamNews =
  | { readonly type: 'firstPacket' }
  | { readonly type: 'latched'; readonly address: string; readonly port: number }
  | KeyNews
  | { readonly type: 'silent'; readonly sinceMs: number }
  | { readonly type: 'resumed' }
  | { readonly type: 'rtcpBye' }
  /** The odd port of the pair could not be bound. */
  | { readonly type: 'rtcpUnavailable' };

/** The rooms behind the doors. Without SRTP a stream that needs it fails; without RTCP it does without. */
export interface StreamRooms {
  readonly srtp?: ((keys: CryptoKeys) => SrtpContext) | undefined;
  readonly rtcp?: ((options: RtcpSessionOptions) => RtcpSession) | undefined;
}

export interface StreamOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: MediaClock;
  readonly rooms: StreamRooms;
  readonly socket: DatagramSocket;
  readonly memory: SharedArrayBuffer;
  readonly sampleRate: number;
  readonly frameMs: number;
  readonly cname: string;
  /** Binds the odd port, when RTCP is not on the RTP port. */
  readonly openRtcp: () => Promise<DatagramSocket>;
  readonly onNews: (news: StreamNews) => void;
  readonly onDtmfSent: (request: number) => void;
  /** The application has something to look at. */
  readonly onReady: () => void;
  /** A packet of silence left because nothing was written. */
  readonly onEmptySlot: () => void;
  readonly onFailed: (error: Error) => void;
}

/** How long after a frame came the next departure leaves: time for the bot to answer with it. */
const ANSWER_MS = 6;

/** One for all streams of a thread: nothing outlives the handling of one packet. */
const header = new RtpHeader();

const SOURCE_AT = SymmetricRtp.cells;
const RECEIVER_AT = SOURCE_AT + RtpSource.cells;
const INBOUND_AT = RECEIVER_AT + ReceiverStats.cells;
const OUTBOUND_AT = INBOUND_AT + Inbound.cells;
const PLAYOUT_AT = OUTBOUND_AT + Outbound.cells;
const places = new PlacePool(PLAYOUT_AT + Playout.cells, 64);

/** One for all streams of a thread, moved to the numbers of the one whose packet it is. */
const source = new RtpSource(0);
const receiver = new ReceiverStats(8000);

export class Stream {
  readonly #options: StreamOptions;
  readonly #clock: Clock;
  readonly #wheel: MediaClock;
  readonly #report: StreamReport;
  readonly #tally: StreamTally = {
    invalid: 0,
    foreign: 0,
    unauthenticated: 0,
    unknown: 0,
    rtcpReceived: 0,
    rtcpInvalid: 0,
    rtcpSent: 0,
    refused: 0,
  };
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #speech: PlayoutReader;
  #background: PlayoutReader | undefined;
  readonly #place = places.take();
  readonly #numbers = this.#place.numbers;
  readonly #at = this.#place.at;
  #symmetric = new SymmetricRtp({}, this.#place);
  #latches = true;
  #receiverRate = 8000;
  readonly #rtcp: StreamRtcp;
  readonly #keys: StreamKeys;
  #unprotect: SrtpContext | undefined;
  #formerUnprotect: SrtpContext | undefined;
  #parameters: StreamParameters | undefined;
  #closed = false;
  #heard = false;
  #isSilent = false;
  #lastAliveAt: number;
  /** Where the application says how long nothing may be heard, and what it said last. */
  readonly #words: Int32Array;
  #silentAfterMs = 0;
  #toldPackets = 0;
  #toldBytes = 0;
  #toldHeardAt = Number.NEGATIVE_INFINITY;
  /** What comes with it is sound. */
  #audioPayloadType = -1;
  readonly #arrivalPhase: number;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#wheel = options.wheel;
    const { memory, sampleRate, frameMs, random, wheel, socket } = options;
    const layout = streamLayout(options);
    const views = new SharedViews(memory);
    this.#words = views.words;
    this.#speech = new PlayoutReader(views, layout.outgoingControl, firstSegment(memory, layout.outgoingFirst, sampleRate));
    const onFailed = options.onFailed;
    this.#outbound = new Outbound({
      place: this.#place,
      from: OUTBOUND_AT,
      sampleRate,
      speech: this.#speech,
      random,
      socket,
      onPassed: options.onReady,
      onEmptySlot: options.onEmptySlot,
      onFailed,
    });
    this.#inbound = new Inbound({
      sampleRate,
      frameMs,
      ring: new FrameRingWriter(views, layout.frames, options, layout.framesHead),
      place: this.#place,
      from: INBOUND_AT,
      playoutPlace: after(this.#place, PLAYOUT_AT),
      onWork: this.#onWork,
      onFrame: options.onReady,
      onFailed,
    });
    const { clock, openRtcp, onNews, onDtmfSent } = options;
    this.#keys = new StreamKeys(this.#inbound, this.#outbound, onNews, onDtmfSent);
    this.#rtcp = new StreamRtcp({
      clock,
      socket,
      open: openRtcp,
      tally: this.#tally,
      peer: () => this.#symmetric,
      onAlive: (now) => this.#alive(now),
      onBye: () => onNews({ type: 'rtcpBye' }),
      onUnavailable: () => onNews({ type: 'rtcpUnavailable' }),
    });
    this.#report = new StreamReport(streamCounters(memory, layout.counters), this.#inbound, this.#outbound);
    this.#source().begin(this.#outbound.ssrc);
    this.#receiver().begin(this.#receiverRate);
    this.#lastAliveAt = options.clock.now();
    this.#arrivalPhase = wheel.quietestPhase(frameMs);
    wheel.add(this.#inbound, frameMs, this.#arrivalPhase);
    socket.onMessage = this.#onPacket;
    socket.onError = this.#onRefused;
  }

  #source(): RtpSource {
    source.moveTo(this.#numbers, this.#at + SOURCE_AT);
    return source;
  }

  #receiver(): ReceiverStats {
    receiver.moveTo(this.#numbers, this.#at + RECEIVER_AT);
    return receiver;
  }

  configure(parameters: StreamParameters): void {
    if (this.#closed) return;
    try {
      this.#configure(parameters);
    } catch (error) {
      this.#options.onFailed(error as Error);
    }
  }

  extend(lane: 'outgoing' | 'background', segment: PlayoutSegment): void {
    (lane === 'outgoing' ? this.#speech : this.#background)?.extend(segment);
  }

  addBackground(memory: SharedArrayBuffer): void {
    const { sampleRate } = this.#options;
    const layout = laneLayout(sampleRate);
    this.#background = new PlayoutReader(new SharedViews(memory), layout.control, firstSegment(memory, layout.first, sampleRate));
    this.#outbound.background = this.#background;
  }

  /** Somebody wants to hear what leaves. */
  addTap(memory: SharedArrayBuffer): void {
    const { sampleRate, frameMs } = this.#options;
    this.#outbound.tap = new FrameTap(memory, { sampleRate, frameMs });
  }

  sendDtmf(request: number, digits: string, durationMs: number, gapMs: number): void {
    this.#keys.send(request, digits, durationMs, gapMs);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { socket } = this.#options;
    this.#tellRtcp();
    this.#rtcp.bye(this.#clock.now());
    this.#wheel.remove(this.#outbound);
    this.#wheel.remove(this.#inbound);
    this.#publish();
    this.#outbound.close();
    this.#inbound.close();
    socket.close();
    this.#rtcp.close();
    places.give(this.#place);
  }

  #configure(parameters: StreamParameters): void {
    const before = this.#parameters;
    this.#parameters = parameters;
    this.#useSrtp(before, parameters);
    const latch = parameters.latch !== false;
    if (this.#latches !== latch) {
      this.#latches = latch;
      this.#symmetric = new SymmetricRtp({ latch }, this.#place);
    }
    if (parameters.remote !== undefined) this.#symmetric.expect(parameters.remote.address, parameters.remote.port);
    this.#inbound.use(parameters);
    this.#audioPayloadType = parameters.accept[0]?.payloadType ?? -1;
    const clockRate = this.#inbound.clockRate;
    if (clockRate !== this.#receiverRate) {
      this.#receiverRate = clockRate;
      this.#report.keep(this.#receiver());
      this.#receiver().reset(clockRate);
    }
    this.#rtcp.session ??= this.#options.rooms.rtcp?.({
      ssrc: this.#outbound.ssrc,
      cname: this.#options.cname,
      random: this.#options.random,
      reducedSize: parameters.reducedSizeRtcp === true,
      receiver: () => this.#receiver(),
    });
    const packetMs = this.#outbound.packetMs;
    this.#outbound.use(parameters.codec, this.#outbound.protect?.rtpOverhead ?? 0);
    this.#outbound.noisePayloadType = parameters.comfortNoise?.sendPayloadType ?? -1;
    this.#keys.use(parameters);
    this.#allowSending();
    if (before === undefined || packetMs !== this.#outbound.packetMs) this.#pace();
    this.#rtcp.use(parameters);
    this.#lastAliveAt = this.#clock.now();
    this.#isSilent = false;
  }

  /** What is written waits while there is nowhere to send it. */
  #allowSending(): void {
    const { address, port } = this.#symmetric;
    if (address !== undefined) this.#outbound.aim(address, port);
    this.#outbound.sending = this.#parameters?.send === true && address !== undefined && port > 0;
  }

  /** Departures follow arrivals by a few milliseconds, so that a bot that answers at once is on the wire at once. */
  #pace(): void {
    this.#wheel.remove(this.#outbound);
    this.#wheel.add(this.#outbound, this.#outbound.packetMs, this.#arrivalPhase + ANSWER_MS / SLOT_MS);
  }

  #useSrtp(before: StreamParameters | undefined, { srtp }: StreamParameters): void {
    const make = this.#options.rooms.srtp;
    if (srtp === undefined) {
      this.#outbound.protect = undefined;
      this.#unprotect = undefined;
      this.#formerUnprotect = undefined;
    } else if (make === undefined) throw new Error('SRTP is not to be had here');
    else {
      if (this.#outbound.protect === undefined || !isSameKeys(before?.srtp?.send, srtp.send)) this.#outbound.protect = make(srtp.send);
      if (this.#unprotect === undefined || !isSameKeys(before?.srtp?.receive, srtp.receive)) {
        const fresh = make(srtp.receive);
        this.#formerUnprotect = this.#unprotect;
        this.#unprotect = fresh;
      }
    }
    this.#rtcp.protect = this.#outbound.protect;
    this.#rtcp.unprotect = this.#unprotect;
  }

  readonly #onPacket = (bytes: Uint8Array, address: string, port: number): void => {
    const now = this.#clock.now();
    // Before anything else: of a thousand packets at once, the last must not make anybody's departure late.
    this.#wheel.serveDepartures(now);
    if (this.#closed) return;
    // Before offer and answer nobody can say whose it is, nor whether it should have been encrypted.
    if (this.#parameters === undefined) return;
    if (isRtcp(bytes)) {
      this.#rtcp.onPacket(bytes, address, port);
      return;
    }
    const cipher = this.#unprotect;
    let length = bytes.length;
    if (cipher !== undefined) {
      // Not read before: the padding of a protected packet is enciphered.
      length = this.#openRtp(cipher, bytes, length);
      if (length < 0) {
        this.#tally.unauthenticated++;
        return;
      }
    }
    const parsed = parseRtp(bytes, length, header);
    if (parsed === undefined) {
      this.#tally.invalid++;
      return;
    }
    const verdict = this.#symmetric.accept(address, port, parsed, now, cipher === undefined ? 'plain' : 'authenticated');
    if (verdict === 'drop') return;
    if (verdict === 'latched') {
      this.#options.onNews({ type: 'latched', address, port });
      this.#allowSending();
    }
    if (!this.#takeSource(parsed, now)) return;
    const { receiving, playout } = this.#inbound;
    if (this.#receiver().onPacket(parsed, parsed.payloadLength, now) === 'duplicate') return;
    if (this.#isSilent) this.#alive(now);
    if (!this.#heard) {
      this.#heard = true;
      this.#options.onNews({ type: 'firstPacket' });
    }
    if (parsed.payloadType !== this.#audioPayloadType) {
      this.#keys.onPacket(parsed, bytes, now);
      this.#inbound.isBusy = this.#keys.isBusy;
    }
    if (receiving && playout !== undefined && playout.put(parsed, bytes, now) === 'unknown') this.#tally.unknown++;
  };

  /** RFC 4568 §7.1.3: until a packet with the new key came, those with the old one may still be under way. */
  #openRtp(cipher: SrtpContext, bytes: Uint8Array, length: number): number {
    const clear = cipher.unprotectRtp(bytes, length);
    if (this.#formerUnprotect === undefined) return clear;
    if (clear < 0) return this.#formerUnprotect.unprotectRtp(bytes, length);
    this.#formerUnprotect = undefined;
    return clear;
  }

  /** Whether the packet is of the source we listen to (RFC 3550 A.1, §8.2). */
  #takeSource(parsed: RtpHeader, now: number): boolean {
    switch (this.#source().accept(parsed, now)) {
      case 'valid':
        return true;
      case 'started':
        this.#rtcp.session?.onReceived(parsed.ssrc, now);
        return true;
      case 'changed':
      case 'restarted':
        this.#report.keep(this.#receiver());
        this.#receiver().reset();
        this.#inbound.playout?.restart();
        this.#keys.reset();
        this.#rtcp.session?.onReceived(parsed.ssrc, now);
        return true;
      case 'collision':
        this.#tellRtcp();
        this.#outbound.ssrc = this.#options.random.uint32();
        this.#source().localSsrc = this.#outbound.ssrc;
        this.#rtcp.bye(now);
        this.#rtcp.session?.restart(this.#outbound.ssrc);
        return true;
      default:
        return false;
    }
  }

  readonly #onRefused = (): void => {
    this.#tally.refused++;
    this.#outbound.noteRefused();
  };

  #alive(now: number): void {
    this.#lastAliveAt = now;
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#options.onNews({ type: 'resumed' });
  }

  /** What is due beside the audio. */
  readonly #onWork = (now: number): void => {
    this.#keys.onTurn(now);
    this.#inbound.isBusy = this.#keys.isBusy;
    this.#tellRtcp();
    this.#rtcp.onTurn(now, this.#report.local);
    this.#watch(now);
    this.#publish();
  };

  /** What was sent and heard since it was told last: nothing of RTCP is looked at for each packet. */
  #tellRtcp(): void {
    const { session } = this.#rtcp;
    if (session === undefined) return;
    const { clockRate, figures } = this.#outbound;
    const { sentPackets, sentBytes, sentTimestamp, sentAt } = figures;
    if (sentPackets > this.#toldPackets)
      session.onSent(sentTimestamp, sentBytes - this.#toldBytes, sentAt, clockRate, sentPackets - this.#toldPackets);
    this.#toldPackets = sentPackets;
    this.#toldBytes = sentBytes;
    const { ssrc } = this.#source();
    if (ssrc !== undefined && this.#receiver().lastAt > this.#toldHeardAt) {
      this.#toldHeardAt = this.#receiver().lastAt;
      session.onReceived(ssrc, this.#toldHeardAt);
    }
  }

  #watch(now: number): void {
    const limit = Atomics.load(this.#words, silenceWord);
    if (limit !== this.#silentAfterMs) {
      this.#silentAfterMs = limit;
      this.#lastAliveAt = now;
      this.#isSilent = false;
    }
    if (this.#receiver().lastAt > this.#lastAliveAt) this.#lastAliveAt = this.#receiver().lastAt;
    if (limit === 0 || this.#isSilent || now - this.#lastAliveAt < limit) return;
    this.#isSilent = true;
    this.#options.onNews({ type: 'silent', sinceMs: now - this.#lastAliveAt });
  }

  #publish(): void {
    this.#tally.foreign = this.#symmetric.dropped + this.#source().foreign + this.#rtcp.foreign;
    this.#report.publish(this.#receiver(), this.#tally, this.#rtcp.session?.remote);
  }
}

function isSameKeys(a: CryptoKeys | undefined, b: CryptoKeys): boolean {
  return a !== undefined && a.suite === b.suite && isSameBytes(a.masterKey, b.masterKey) && isSameBytes(a.masterSalt, b.masterSalt);
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
