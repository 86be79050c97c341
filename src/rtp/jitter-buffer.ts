/**
 * The adaptive jitter buffer: packets come in as the network brings them and go out in order, each when its time has come.
 *
 * Delay is measured against the fastest packet of the last seconds, so the two ends' clocks need not agree nor run alike. The
 * target is what all but one packet in a hundred needed, between a floor and a cap. `take` is asked at every tick; a packet decoded
 * at a tick has had until then to come, so the delay stands on the ticks' grid, in [target, target + tick). It grows at once: a dry
 * buffer waits longer before it starts again, a full one asks for the sound to be stretched (`adjustMs` above zero). It shrinks in
 * pauses, or by asking for the sound to be shrunk (`adjustMs` below zero). Packets wait in a ring of slots, by sequence number.
 */
import { OptionError } from '../errors.js';
import type { RtpHeader } from './header.js';
import { MAX_PAYLOAD, type PacketKind, PacketRing } from './packet-ring.js';
import { Timeline } from './timeline.js';

export interface JitterOptions {
  /** Ticks of the RTP timestamp in a second: 8000 for G.722, 48000 for Opus. */
  readonly clockRate: number;
  /** How often `take` is asked. @default 20 */
  readonly frameMs: number;
  /** The delay never aims lower. @default 5 */
  readonly minDelayMs: number;
  /** The delay never goes higher: what comes later than that is lost. @default 300 */
  readonly maxDelayMs: number;
  /** The delay aimed at until the first packets have shown the jitter. @default 20 */
  readonly initialDelayMs: number;
  /** How many packets can wait: a power of two. @default 32, 320 ms of the shortest packets */
  readonly slots: number;
}

const DEFAULTS = { frameMs: 20, minDelayMs: 5, maxDelayMs: 300, initialDelayMs: 20, slots: 32 } satisfies Omit<JitterOptions, 'clockRate'>;

export type { PacketKind };
/** `stray`: far from the stream so far; when the next agree with it, the stream has moved there. */
export type PutOutcome = 'stored' | 'late' | 'duplicate' | 'stray' | 'tooBig';
/**
 * `play`, `noise`: a packet stands in `bytes`, `offset`, `length`, `payloadType`. `conceal`: sound was due and is not here.
 * `silence`: none was due. `event`: a telephone-event has taken its place. These three last `ticks`.
 */
export type Take = 'play' | 'noise' | 'conceal' | 'silence' | 'event';

/** Counted since the buffer was made; read when asked. */
export interface JitterStats {
  received: number;
  played: number;
  /** Came after their time, or after any time. */
  late: number;
  duplicates: number;
  /** Pushed out by newer ones, or given up because the delay had outgrown its cap. */
  overflowed: number;
  strays: number;
  /** Not here when their time came: lost by the network, or late. */
  missing: number;
  concealedMs: number;
  /** By how much the sound was stretched, and shrunk. */
  stretchedMs: number;
  shrunkMs: number;
  /** The longest time without sound that was not the sender's own pause. */
  longestGapMs: number;
}

/** How long missing sound is concealed before it counts as silence: the concealer has faded by then. */
const CONCEAL_MS = 60;
/** The delay may lie this far below a target that trembles before the sound is stretched. */
const TOLERANCE_MS = 2;
/** How long the delay is watched before it is lowered. */
const WATCH_MS = 120;
/** Packets before the measured jitter is believed over the initial delay. */
const LEARN_PACKETS = 25;
/** Less than this is not worth shrinking. */
const SMALLEST_SHRINK_MS = 1;

export class JitterBuffer {
  readonly stats: JitterStats = {
    received: 0,
    played: 0,
    late: 0,
    duplicates: 0,
    overflowed: 0,
    strays: 0,
    missing: 0,
    concealedMs: 0,
    stretchedMs: 0,
    shrunkMs: 0,
    longestGapMs: 0,
  };

  readonly #msPerTick: number;
  readonly #frameMs: number;
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #timeline: Timeline;
  readonly #ring: PacketRing;

  /** The next sequence number to play; what is below it is late. */
  #next = 0;
  /** Media time up to which everything has been given out. */
  #position = -Infinity;
  /** Nothing has been given out yet: an earlier packet may still come to be the first. */
  #isOpening = true;
  /** Sound follows sound, each packet at the end of the one before. */
  #isFlowing = false;
  /** Why there is no sound, when none is missed. */
  #pause: 'silence' | 'event' | undefined = 'silence';
  #gapMs = 0;
  #packetTicks: number;

  // The watch on what the delay could do without.
  #watchedFrom = 0;
  #leastSlackMs = Infinity;
  #leastWasteMs = Infinity;

  #targetMs: number;
  #delayMs = 0;

  // What `take` hands out.
  #offset = 0;
  #length = 0;
  #payloadType = 0;
  #ticks = 0;
  #nextOffset = 0;
  #nextLength = 0;
  #adjustMs = 0;

  constructor(options: Partial<JitterOptions> & { readonly clockRate: number }) {
    const { clockRate, frameMs, minDelayMs, maxDelayMs, initialDelayMs, slots } = { ...DEFAULTS, ...options };
    if (!(clockRate > 0)) throw new OptionError('clockRate', 'ticks per second, above zero');
    if (!(frameMs > 0)) throw new OptionError('frameMs', 'milliseconds, above zero');
    if (!(minDelayMs >= 0 && minDelayMs <= maxDelayMs)) throw new OptionError('minDelayMs', 'milliseconds, from zero to maxDelayMs');
    if (!Number.isInteger(Math.log2(slots)) || slots > 4096) throw new OptionError('slots', 'a power of two, at most 4096');
    this.#msPerTick = 1000 / clockRate;
    this.#frameMs = frameMs;
    this.#minDelayMs = minDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#targetMs = Math.min(Math.max(initialDelayMs, minDelayMs), maxDelayMs);
    this.#timeline = new Timeline(clockRate, maxDelayMs + frameMs);
    this.#ring = new PacketRing(slots);
    this.#packetTicks = Math.round((frameMs * clockRate) / 1000);
  }

  /** Where the packet's payload stands after `play` and `noise`, until the next `put`. */
  get bytes(): Uint8Array {
    return this.#ring.memory;
  }

  get offset(): number {
    return this.#offset;
  }

  get length(): number {
    return this.#length;
  }

  get payloadType(): number {
    return this.#payloadType;
  }

  /** How long `conceal`, `silence` or `event` lasts: at most what was wanted. */
  get ticks(): number {
    return this.#ticks;
  }

  /** After `conceal`: where in `bytes` the packet after the missing one stands (it may carry the missing one's redundancy). */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Zero when that packet is not here either. */
  get nextLength(): number {
    return this.#nextLength;
  }

  /** Above zero: stretch the sound by so much when you can; below: shrink it. */
  get adjustMs(): number {
    return this.#adjustMs;
  }

  /** What the buffer adds: from the arrival of the fastest packet to the sound of it. */
  get delayMs(): number {
    return this.#delayMs;
  }

  get targetMs(): number {
    return this.#targetMs;
  }

  /** The most that it may add. */
  get limitMs(): number {
    return this.#maxDelayMs;
  }

  /** Packets that wait. */
  get depth(): number {
    return this.#ring.waiting;
  }

  /** How often the sender's numbering was seen to begin anew. */
  get jumps(): number {
    return this.#timeline.jumps;
  }

  /** Takes a packet in. `durationTicks`: what an event says it has lasted, when it counts in the sound's clock. */
  put(kind: PacketKind, header: RtpHeader, packet: Uint8Array, now: number, durationTicks = 0): PutOutcome {
    const stats = this.stats;
    const timeline = this.#timeline;
    stats.received++;
    if (header.payloadLength > MAX_PAYLOAD) return 'tooBig';
    const placement =
      kind === 'event'
        ? timeline.placeEvent(header, now, this.#packetTicks, durationTicks)
        : timeline.place(header, now, this.#packetTicks);
    if (placement !== 'placed') {
      if (placement === 'late') stats.late++;
      else stats.strays++;
      return placement;
    }
    const { sequence } = timeline;
    if (this.#ring.hasSeen(sequence)) {
      stats.duplicates++;
      return 'duplicate';
    }
    if (kind !== 'event') {
      timeline.learn(now);
      this.#aim();
    }
    if (sequence < this.#next) {
      if (!this.#isOpening || timeline.newest - sequence >= this.#ring.slots) {
        stats.late++;
        return 'late';
      }
      this.#next = sequence;
    }
    if (sequence - this.#next >= this.#ring.slots) this.#makeRoom(sequence - this.#ring.slots + 1);
    this.#ring.store(sequence, timeline.time, kind, header, packet);
    return 'stored';
  }

  /** What comes next, at most `wantTicks` of it, at the tick whose time is `now`. After `play`, tell `played` how long it was. */
  take(now: number, wantTicks: number): Take {
    this.#nextLength = 0;
    for (;;) {
      const slot = this.#ring.find(this.#next, this.#timeline.newest);
      if (slot < 0) return this.#wait(wantTicks);
      const time = this.#ring.timeOf(slot);
      const slack = this.#timeline.delayOf(time, now);
      if (slack > this.#maxDelayMs + this.#frameMs) {
        this.stats.overflowed++;
        this.#drop(slot);
        this.#isFlowing = false;
        continue;
      }
      const isEvent = this.#ring.isEvent(slot);
      if (isEvent && time + this.#packetTicks <= this.#position) {
        // RFC 4733 §2.5.1.4: the end of an event told again takes no time.
        this.#drop(slot);
        this.#pause = 'event';
        continue;
      }
      if (this.#isFlowing) {
        const gap = time - this.#position;
        if (gap * 4 > this.#packetTicks) return this.#bridge(slot, gap, wantTicks, now);
      } else if (slack < this.#targetMs) {
        return this.#wait(wantTicks);
      }
      if (isEvent) return this.#sitOut(slot, wantTicks);
      return this.#give(slot, slack, wantTicks, now);
    }
  }

  /** The packet given by the last `take` sounds for `ticks`. */
  played(ticks: number): void {
    this.#position += ticks;
    if (ticks > 0) this.#packetTicks = ticks;
  }

  /** The sound was stretched (above zero) or shrunk (below) by `ms`, as `adjustMs` asked. */
  adjusted(ms: number): void {
    if (ms > 0) this.stats.stretchedMs += ms;
    else this.stats.shrunkMs -= ms;
    const left = this.#adjustMs - ms;
    if (this.#adjustMs > 0) this.#adjustMs = Math.max(0, left);
    else this.#adjustMs = left > -SMALLEST_SHRINK_MS ? 0 : left;
    this.#watchAnew();
  }

  /** The sender is another, or has begun anew: the next packet, whatever its numbers, follows those that wait. */
  restart(): void {
    this.#timeline.restart();
  }

  #aim(): void {
    const { seen, spreadMs } = this.#timeline;
    const needed = Math.min(Math.max(spreadMs, this.#minDelayMs), this.#maxDelayMs);
    // With few packets seen, the last target stands: the initial one, or what was learned before a pause.
    if (seen >= LEARN_PACKETS || needed > this.#targetMs) this.#targetMs = needed;
  }

  /** Nothing can be played: the buffer is dry, or its first packet has not waited long enough. */
  #wait(wantTicks: number): Take {
    this.#isFlowing = false;
    this.#adjustMs = 0;
    this.#ticks = wantTicks;
    return this.#lack(wantTicks);
  }

  /** Time passes without sound: the sender's pause, or something to conceal. */
  #lack(ticks: number): Take {
    const ms = ticks * this.#msPerTick;
    this.#gapMs += ms;
    if (this.#pause !== undefined) {
      if (this.#gapMs > CONCEAL_MS) this.#pause = 'silence';
      return this.#pause;
    }
    this.stats.concealedMs += ms;
    return this.#gapMs > CONCEAL_MS ? 'silence' : 'conceal';
  }

  /** The sound so far does not reach to the next packet's. */
  #bridge(slot: number, gap: number, wantTicks: number, now: number): Take {
    const isLoss = this.#ring.sequenceOf(slot) > this.#next;
    // A delay below the target waits here and moves nothing on: what is missing may yet come.
    const isHeld = isLoss && this.#timeline.delayOf(this.#position, now) < this.#targetMs - TOLERANCE_MS;
    const ticks = isHeld ? wantTicks : Math.min(wantTicks, gap);
    let passed = isHeld ? 0 : ticks;
    if (isHeld) this.stats.stretchedMs += ticks * this.#msPerTick;
    else if (this.#adjustMs < 0) {
      // Nobody hears a gap shrink.
      const saved = Math.min(gap - ticks, Math.floor(-this.#adjustMs / this.#msPerTick));
      passed += saved;
      this.adjusted(-saved * this.#msPerTick);
    }
    this.#position += passed;
    this.#ticks = ticks;
    if (!isLoss) {
      this.#pause ??= 'silence';
      return this.#lack(ticks);
    }
    this.#pause = undefined;
    if (gap <= this.#packetTicks * 1.5 && this.#ring.isAudio(slot)) {
      this.#nextOffset = this.#ring.offsetOf(slot);
      this.#nextLength = this.#ring.lengthOf(slot);
    }
    return this.#lack(ticks);
  }

  /** An event's share of the time passes in silence. */
  #sitOut(slot: number, wantTicks: number): Take {
    const time = this.#ring.timeOf(slot);
    const end = time + this.#packetTicks;
    if (!this.#isFlowing) this.#position = Math.max(this.#position, time);
    this.#resume();
    this.#pause = 'event';
    this.#ticks = Math.min(wantTicks, end - this.#position);
    this.#position += this.#ticks;
    if (this.#position >= end) this.#pass(slot);
    return 'event';
  }

  #give(slot: number, slack: number, wantTicks: number, now: number): Take {
    const wasFlowing = this.#isFlowing;
    this.#offset = this.#ring.offsetOf(slot);
    this.#length = this.#ring.lengthOf(slot);
    this.#payloadType = this.#ring.payloadTypeOf(slot);
    this.#position = this.#ring.timeOf(slot);
    if (this.#ring.isNoise(slot)) {
      this.#resume();
      this.#pass(slot);
      this.#isFlowing = false;
      this.#pause = 'silence';
      return 'noise';
    }
    this.#resume();
    this.#pass(slot);
    this.#pause = undefined;
    this.stats.played++;
    const waste = Math.max(0, this.#frameMs - wantTicks * this.#msPerTick);
    this.#delayMs = slack + waste;
    if (!wasFlowing) this.#watchAnew();
    this.#steer(slack, waste, now);
    return 'play';
  }

  /** Whether the delay should grow or may shrink. `slack`: how long ago the packet could have been here at the latest; `waste`: sound decoded before it was needed. */
  #steer(slack: number, waste: number, now: number): void {
    if (slack < this.#targetMs - TOLERANCE_MS) {
      this.#adjustMs = this.#targetMs - slack;
      this.#watchAnew();
      return;
    }
    if (this.#adjustMs > 0) this.#adjustMs = 0;
    if (this.#leastSlackMs === Infinity) this.#watchedFrom = now;
    this.#leastSlackMs = Math.min(this.#leastSlackMs, slack);
    this.#leastWasteMs = Math.min(this.#leastWasteMs, waste);
    if (this.#adjustMs < 0 || now - this.#watchedFrom < WATCH_MS) return;
    // Whole ticks that every packet could do without, and sound that always lies ready too early.
    const ticks = Math.max(0, Math.floor((this.#leastSlackMs - this.#targetMs) / this.#frameMs));
    const spare = ticks * this.#frameMs + this.#leastWasteMs;
    if (spare >= SMALLEST_SHRINK_MS) this.#adjustMs = -spare;
    this.#watchAnew();
  }

  #watchAnew(): void {
    this.#leastSlackMs = Infinity;
    this.#leastWasteMs = Infinity;
  }

  /** Sound again, or its substitute: the gap is over. */
  #resume(): void {
    if (this.#pause === undefined && this.#gapMs > this.stats.longestGapMs) this.stats.longestGapMs = this.#gapMs;
    this.#gapMs = 0;
    this.#isFlowing = true;
    this.#isOpening = false;
  }

  /** The packet's turn has come; those before it have not come. */
  #pass(slot: number): void {
    const sequence = this.#ring.sequenceOf(slot);
    this.stats.missing += sequence - this.#next;
    this.#next = sequence + 1;
    this.#ring.free(slot);
  }

  #drop(slot: number): void {
    this.#pass(slot);
    this.#isOpening = false;
  }

  /** Gives up what waits below `first`, so that a much newer packet finds room. */
  #makeRoom(first: number): void {
    const ring = this.#ring;
    for (let slot = ring.find(this.#next, first - 1); slot >= 0; slot = ring.find(this.#next, first - 1)) {
      this.stats.overflowed++;
      this.#drop(slot);
    }
    this.stats.missing += first - this.#next;
    this.#next = first;
    this.#isOpening = false;
    this.#isFlowing = false;
  }
}
