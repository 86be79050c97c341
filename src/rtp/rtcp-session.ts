/**
 * One call's RTCP, RFC 3550 §6: what we tell of what we send and hear, and what the far end tells of us; round trip, loss and jitter over
 * there. Pure: time comes in, packets go out.
 */
import type { ReceiverStats, ReceptionReport } from './receiver-stats.js';
import { parseRtcp, type RtcpPacket, type SenderInfo, writeBye, writeCname, writeReport, writeXr } from './rtcp.js';
import { RtcpMembers } from './rtcp-members.js';
import { RtcpSchedule } from './rtcp-schedule.js';
import { type VoipMetrics, writeVoipMetrics } from './rtcp-xr.js';
import { add32 } from './sequence.js';
import type { LocalView, RemoteView, RtcpSessionOptions, RtcpSession as Seam } from './stream-seams.js';

/** From 1900, where NTP begins, to 1970. */
const NTP_EPOCH_SECONDS = 2_208_988_800;
/** How many of our sender reports are remembered until they come back in the far end's. */
const REMEMBERED = 8;
/** A far end that rounds its delay up may have the answer come a little before the question. */
const ROUNDING_MS = 5;
/** 0 dBov is the loudest square wave; a sine of that power would be 3.14 dBm0 (G.711 Table 1, note). */
const DBM0_OF_0_DBOV = 3;
const QUIETEST_DBOV = -127;

export class RtcpSession implements Seam {
  readonly remote: { -readonly [K in keyof RemoteView]: RemoteView[K] } = {
    rttMs: Number.NaN,
    lossFraction: Number.NaN,
    lost: Number.NaN,
    jitterMs: Number.NaN,
    rFactor: Number.NaN,
  };
  readonly #options: RtcpSessionOptions;
  readonly #receiver: () => ReceiverStats;
  readonly #schedule: RtcpSchedule;
  readonly #members = new RtcpMembers();
  #ssrc: number;
  /** Whose RTP is heard; -1 when nobody's is. */
  #heard = -1;

  #packets = 0;
  #bytes = 0;
  #timestamp = 0;
  #clockRate = 0;
  #sentAt = 0;
  /** What `#packets` was at the last report, and at the one before. */
  #packetsAtLast = 0;
  #packetsBefore = 0;

  #reports = 0;
  #lastReportAt = Number.NEGATIVE_INFINITY;
  /** Our last sender reports: the middle of their NTP time, and when they left. */
  readonly #reportNtp = new Uint32Array(REMEMBERED);
  readonly #reportAt = new Float64Array(REMEMBERED);
  #reported = 0;

  constructor(options: RtcpSessionOptions) {
    this.#options = options;
    this.#receiver = options.receiver;
    this.#ssrc = options.ssrc;
    this.#schedule = new RtcpSchedule(options.random);
  }

  get due(): number {
    return this.#schedule.due;
  }

  onSent(timestamp: number, payloadBytes: number, now: number, clockRate: number, packets = 1): void {
    this.#packets += packets;
    this.#bytes += payloadBytes;
    this.#timestamp = timestamp;
    this.#clockRate = clockRate;
    this.#sentAt = now;
  }

  onReceived(ssrc: number, now: number): void {
    this.#heard = ssrc;
    this.#members.onRtp(ssrc, now);
  }

  onPacket(bytes: Uint8Array, length: number, now: number): 'taken' | 'bye' | 'invalid' {
    const packets = parseRtcp(bytes, length);
    if (packets === undefined || !this.#isAcceptable(packets[0]!)) return 'invalid';
    this.#schedule.onReceived(length);
    let outcome: 'taken' | 'bye' = 'taken';
    for (const packet of packets) if (this.#take(packet, now) === 'bye') outcome = 'bye';
    return outcome;
  }

  write(into: Uint8Array, now: number, wall: number, local: LocalView): number {
    if (!this.#schedule.hasStarted) this.#schedule.start(now);
    if (now < this.#schedule.due) return 0;
    this.#count(now);
    if (!this.#schedule.isTime(now)) return 0;
    const block = this.#block(now);
    let length = this.#writeReport(into, now, wall, block);
    if (block !== undefined)
      length = writeXr(into, length, this.#ssrc, (view, at) => writeVoipMetrics(view, at, this.#voipMetrics(block.ssrc, local)));
    this.#schedule.onSent(length, now);
    return length;
  }

  /** §6.3.7: at once, for a call has no fifty members; and not a word from one who never spoke. */
  bye(into: Uint8Array, now: number, wall: number): number {
    if (this.#packets === 0 && this.#reports === 0) return 0;
    return writeBye(into, this.#writeReport(into, now, wall, this.#block(now)), this.#ssrc);
  }

  restart(ssrc: number): void {
    this.#ssrc = ssrc;
    this.#packets = this.#bytes = this.#packetsAtLast = this.#packetsBefore = this.#reported = this.#reports = 0;
    this.remote.lossFraction = this.remote.lost = this.remote.jitterMs = this.remote.rFactor = Number.NaN;
  }

  /** §6.1, A.2: a compound begins with a report; RFC 5506 has single packets, where that was agreed. */
  #isAcceptable(first: RtcpPacket): boolean {
    return this.#options.reducedSize || first.type === 'sr' || first.type === 'rr';
  }

  #take(packet: RtcpPacket, now: number): 'taken' | 'bye' {
    switch (packet.type) {
      case 'sr':
      case 'rr':
        // §8.2: our own, come back in a loop, or of another that took our identifier, whom its RTP gives away.
        if (packet.ssrc === this.#ssrc) return 'taken';
        this.#members.onRtcp(packet.ssrc, now);
        if (packet.type === 'sr' && (packet.ssrc === this.#heard || this.#heard < 0))
          this.#receiver().onSenderReport(ntpMiddle(packet.sender), now);
        for (const block of packet.reports) if (block.ssrc === this.#ssrc) this.#onReport(block, now);
        return 'taken';
      case 'xr':
        if (packet.ssrc === this.#ssrc) return 'taken';
        for (const metrics of packet.voip) if (metrics.ssrc === this.#ssrc) this.#onVoipMetrics(metrics);
        return 'taken';
      case 'bye':
        return this.#onBye(packet.ssrcs, now);
      case 'sdes':
        for (const { ssrc } of packet.chunks) if (ssrc !== this.#ssrc) this.#members.onRtcp(ssrc, now);
        return 'taken';
      case 'feedback':
      case 'other':
        return 'taken';
    }
  }

  /** §6.3.4. It is the end of the one who is heard, or of one of whom nothing was heard yet. */
  #onBye(ssrcs: readonly number[], now: number): 'taken' | 'bye' {
    let outcome: 'taken' | 'bye' = 'taken';
    for (const ssrc of ssrcs) {
      if (ssrc === this.#ssrc) continue;
      this.#members.onLeft(ssrc);
      if (this.#heard < 0 || ssrc === this.#heard) outcome = 'bye';
    }
    this.#count(now);
    return outcome;
  }

  /** §6.4.1: what the far end says of what we send. */
  #onReport(block: ReceptionReport, now: number): void {
    const { remote } = this;
    remote.lossFraction = block.fractionLost / 256;
    remote.lost = Math.max(0, block.cumulativeLost);
    if (this.#clockRate > 0) remote.jitterMs = (block.jitter * 1000) / this.#clockRate;
    const at = this.#reportAtOf(block.lastSr);
    if (at === undefined) return;
    const roundTrip = now - at - (block.delaySinceLastSr * 1000) / 65_536;
    // §6.4.1: on our own clock, so that a step of the wall's does no harm; a far end that miscounts its delay is not believed.
    if (roundTrip >= -ROUNDING_MS) remote.rttMs = Math.max(0, roundTrip);
  }

  #onVoipMetrics({ rFactor }: VoipMetrics): void {
    // RFC 3611 §4.7.5: other values must be ignored.
    if (rFactor <= 100) this.remote.rFactor = rFactor;
  }

  #reportAtOf(lastSr: number): number | undefined {
    if (lastSr === 0) return undefined;
    const known = Math.min(this.#reported, REMEMBERED);
    for (let i = 0; i < known; i++) if (this.#reportNtp[i] === lastSr) return this.#reportAt[i];
    return undefined;
  }

  /** §6.3.3, §6.3.5, §6.3.8: who is there. */
  #count(now: number): void {
    const schedule = this.#schedule;
    schedule.isSender = this.#isSender();
    const before = schedule.members;
    this.#members.forgetSilentSince(now - schedule.timeoutMs);
    schedule.members = this.#members.count + 1;
    // A sender is one whose RTP came since the report before the last.
    schedule.senders = this.#members.sendersSince(this.#lastReportAt) + (schedule.isSender ? 1 : 0);
    if (schedule.members < before && schedule.hasStarted) schedule.onLeft(now);
  }

  /** §6.4: who sent since the report before the last sends SR. */
  #isSender(): boolean {
    return this.#packets > this.#packetsBefore;
  }

  /** §6.4: of a source heard since the last report. */
  #block(now: number): ReceptionReport | undefined {
    const receiver = this.#receiver();
    return receiver.lastAt >= this.#lastReportAt ? receiver.report(now) : undefined;
  }

  #writeReport(into: Uint8Array, now: number, wall: number, block: ReceptionReport | undefined): number {
    const ssrc = this.#ssrc;
    const sender = this.#isSender() ? this.#senderInfo(now, wall) : undefined;
    if (sender !== undefined) {
      this.#reportNtp[this.#reported % REMEMBERED] = ntpMiddle(sender);
      this.#reportAt[this.#reported % REMEMBERED] = now;
      this.#reported++;
    }
    this.#packetsBefore = this.#packetsAtLast;
    this.#packetsAtLast = this.#packets;
    this.#lastReportAt = now;
    this.#reports++;
    return writeCname(into, writeReport(into, 0, { ssrc, sender, block }), ssrc, this.#options.cname);
  }

  /** §6.4.1: the timestamp is that of this very moment, whenever the last packet left. */
  #senderInfo(now: number, wall: number): SenderInfo {
    const seconds = Math.floor(wall / 1000);
    return {
      ntpSeconds: (seconds + NTP_EPOCH_SECONDS) >>> 0,
      ntpFraction: Math.floor(((wall - seconds * 1000) / 1000) * 2 ** 32),
      timestamp: add32(this.#timestamp, Math.round(((now - this.#sentAt) * this.#clockRate) / 1000)),
      packets: this.#packets,
      bytes: this.#bytes,
    };
  }

  #voipMetrics(ssrc: number, local: LocalView): VoipMetrics {
    const { expected, lost, received, bursts } = this.#receiver();
    const { burstDensity, gapDensity, burstLength, gapLength } = bursts.figures();
    return {
      ssrc,
      lossRate: lost / expected,
      discardRate: (local.lateFraction * received) / expected,
      burstDensity,
      gapDensity,
      burstMs: burstLength * local.packetMs,
      gapMs: gapLength * local.packetMs,
      roundTripMs: this.remote.rttMs,
      endSystemMs: local.bufferDelayMs + local.packetMs,
      signalLevelDbm0: local.levelDbov <= QUIETEST_DBOV ? Number.NaN : local.levelDbov + DBM0_OF_0_DBOV,
      rFactor: local.rFactor,
      mosLq: local.listeningMos,
      mosCq: local.mos,
      bufferMs: local.bufferDelayMs,
      bufferMaxMs: local.bufferLimitMs,
      bufferLimitMs: local.bufferLimitMs,
    };
  }
}

/** What goes into reports as "last SR": §6.4.1. */
function ntpMiddle({ ntpSeconds, ntpFraction }: SenderInfo): number {
  return ((ntpSeconds << 16) | (ntpFraction >>> 16)) >>> 0;
}
