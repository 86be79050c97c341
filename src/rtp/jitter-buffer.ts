/**
 * The adaptive jitter buffer: packets come in as the network brings them and go out in order, each when its time has come.
 *
 * Delay is measured against the fastest packet of the last seconds, so the two ends' clocks need not agree nor run alike. The
 * target is what all but one packet in a hundred needed, between a floor and a cap. `take` is asked at every tick; a packet decoded
 * at a tick has had until then to come, so the delay stands on the ticks' grid, in [target, target + tick). It grows at once: a dry
 * buffer waits longer before it starts again, a full one asks for the sound to be stretched (`adjustMs` above zero). It shrinks in
 * pauses, or by asking for the sound to be shrunk (`adjustMs` below zero). Packets wait in a ring of slots, by sequence number.
 */
import { cellsOf, ownPlace, type Place } from './cells.js';
import type { RtpHeader } from './header.js';
import { checkedJitter, type JitterBufferOptions, usualSlots } from './jitter-options.js';
import { MAX_PAYLOAD, type PacketKind, PacketRing } from './packet-ring.js';
import { Timeline } from './timeline.js';

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
  readonly received: number;
  readonly played: number;
  /** Came after their time, or after any time. */
  readonly late: number;
  readonly duplicates: number;
  /** Pushed out by newer ones, or given up because the delay had outgrown its cap. */
  readonly overflowed: number;
  readonly strays: number;
  /** Not here when their time came: lost by the network, or late. */
  readonly missing: number;
  readonly concealedMs: number;
  /** By how much the sound was stretched, and shrunk. */
  readonly stretchedMs: number;
  readonly shrunkMs: number;
  /** The longest time without sound that was not the sender's own pause. */
  readonly longestGapMs: number;
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

const State = cellsOf(
  'msPerTick',
  'frameMs',
  'minDelayMs',
  'maxDelayMs',
  // The next sequence number to play; what is below it is late.
  'next',
  // Media time up to which everything has been given out.
  'position',
  'gapMs',
  'packetTicks',
  'targetMs',
  'delayMs',
  'adjustMs',
  // The watch on what the delay could do without.
  'watchedFrom',
  'leastSlackMs',
  'leastWasteMs',
  // What `take` hands out.
  'offset',
  'length',
  'payloadType',
  'ticks',
  'nextOffset',
  'nextLength',
  // 1: nothing has been given out yet; an earlier packet may still come to be the first.
  'isOpening',
  // 1: sound follows sound, each packet at the end of the one before.
  'isFlowing',
  // Why there is no sound, when none is missed.
  'pause',
);

/** The values of `pause`. */
const NO_PAUSE = 0;
const SILENCE = 1;
const EVENT = 2;

const Counts = cellsOf(
  'received',
  'played',
  'late',
  'duplicates',
  'overflowed',
  'strays',
  'missing',
  'concealedMs',
  'stretchedMs',
  'shrunkMs',
  'longestGapMs',
);

const TIMELINE_AT = State.size + Counts.size;
const RING_AT = TIMELINE_AT + Timeline.cells;

export class JitterBuffer {
  /** How many numbers it has, with so many slots. */
  static cells(slots: number = usualSlots): number {
    return RING_AT + PacketRing.cells(slots);
  }

  readonly #s;
  readonly #counts;
  readonly #timeline: Timeline;
  readonly #ring: PacketRing;
  #place: Place;
  /** Of the packet that `take` handed out. */
  #bytes: Uint8Array;

  /** `place`: room for `JitterBuffer.cells(slots)`; of its own when none is given. */
  constructor(options: JitterBufferOptions, place: Place = ownPlace(JitterBuffer.cells(checkedJitter(options).slots))) {
    this.#s = new State(place);
    this.#counts = new Counts(place, State.size);
    this.#timeline = new Timeline(options.clockRate, 0, place, TIMELINE_AT);
    this.#ring = new PacketRing(0, place, RING_AT);
    this.#place = place;
    this.#bytes = place.bytes;
    this.begin(options);
  }

  /** Whose numbers these are. */
  get place(): Place {
    return this.#place;
  }

  /** Whose numbers these are, from here on: what `take` handed out must have been used. */
  moveTo(place: Place): this {
    if (place === this.#place) return this;
    const { numbers, at } = place;
    this.#place = place;
    this.#s.numbers = numbers;
    this.#s.at = at;
    this.#counts.numbers = numbers;
    this.#counts.at = at + State.size;
    this.#timeline.moveTo(numbers, at + TIMELINE_AT);
    this.#ring.moveTo(place, RING_AT);
    return this;
  }

  /** Empty, and nothing counted yet. */
  begin(options: JitterBufferOptions): void {
    const { clockRate, frameMs, minDelayMs, maxDelayMs, initialDelayMs, slots } = checkedJitter(options);
    const state = this.#s;
    state.clear();
    this.#counts.clear();
    this.#timeline.begin(clockRate, maxDelayMs + frameMs);
    this.#ring.begin(slots);
    state.msPerTick = 1000 / clockRate;
    state.frameMs = frameMs;
    state.minDelayMs = minDelayMs;
    state.maxDelayMs = maxDelayMs;
    state.targetMs = Math.min(Math.max(initialDelayMs, minDelayMs), maxDelayMs);
    state.position = -Infinity;
    state.leastSlackMs = Infinity;
    state.leastWasteMs = Infinity;
    state.packetTicks = Math.round((frameMs * clockRate) / 1000);
    state.isOpening = 1;
    state.pause = SILENCE;
  }

  get stats(): JitterStats {
    const { received, played, late, duplicates, overflowed, strays, missing, concealedMs, stretchedMs, shrunkMs, longestGapMs } =
      this.#counts;
    return { received, played, late, duplicates, overflowed, strays, missing, concealedMs, stretchedMs, shrunkMs, longestGapMs };
  }

  /** Where the packet's payload stands after `play` and `noise`, until the next `put`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get offset(): number {
    return this.#s.offset;
  }

  get length(): number {
    return this.#s.length;
  }

  get payloadType(): number {
    return this.#s.payloadType;
  }

  /** How long `conceal`, `silence` or `event` lasts: at most what was wanted. */
  get ticks(): number {
    return this.#s.ticks;
  }

  /** After `conceal`: where in `bytes` the packet after the missing one stands (it may carry the missing one's redundancy). */
  get nextOffset(): number {
    return this.#s.nextOffset;
  }

  /** Zero when that packet is not here either. */
  get nextLength(): number {
    return this.#s.nextLength;
  }

  /** Above zero: stretch the sound by so much when you can; below: shrink it. */
  get adjustMs(): number {
    return this.#s.adjustMs;
  }

  /** What the buffer adds: from the arrival of the fastest packet to the sound of it. */
  get delayMs(): number {
    return this.#s.delayMs;
  }

  get targetMs(): number {
    return this.#s.targetMs;
  }

  /** The most that it may add. */
  get limitMs(): number {
    return this.#s.maxDelayMs;
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
    const stats = this.#counts;
    const timeline = this.#timeline;
    stats.received++;
    if (header.payloadLength > MAX_PAYLOAD) return 'tooBig';
    const placement =
      kind === 'event'
        ? timeline.placeEvent(header, now, this.#s.packetTicks, durationTicks)
        : timeline.place(header, now, this.#s.packetTicks);
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
    if (sequence < this.#s.next) {
      if (this.#s.isOpening === 0 || timeline.newest - sequence >= this.#ring.slots) {
        stats.late++;
        return 'late';
      }
      this.#s.next = sequence;
    }
    if (sequence - this.#s.next >= this.#ring.slots) this.#makeRoom(sequence - this.#ring.slots + 1);
    this.#ring.store(sequence, timeline.time, kind, header, packet);
    return 'stored';
  }

  /** What comes next, at most `wantTicks` of it, at the tick whose time is `now`. After `play`, tell `played` how long it was. */
  take(now: number, wantTicks: number): Take {
    this.#s.nextLength = 0;
    for (;;) {
      const slot = this.#ring.find(this.#s.next, this.#timeline.newest);
      if (slot < 0) return this.#wait(wantTicks);
      const time = this.#ring.timeOf(slot);
      const slack = this.#timeline.delayOf(time, now);
      if (slack > this.#s.maxDelayMs + this.#s.frameMs) {
        this.#counts.overflowed++;
        this.#drop(slot);
        this.#s.isFlowing = 0;
        continue;
      }
      const isEvent = this.#ring.isEvent(slot);
      if (isEvent && time + this.#s.packetTicks <= this.#s.position) {
        // RFC 4733 §2.5.1.4: the end of an event told again takes no time.
        this.#drop(slot);
        this.#s.pause = EVENT;
        continue;
      }
      if (this.#s.isFlowing === 1) {
        const gap = time - this.#s.position;
        if (gap * 4 > this.#s.packetTicks) return this.#bridge(slot, gap, wantTicks, now);
      } else if (slack < this.#s.targetMs) {
        return this.#wait(wantTicks);
      }
      if (isEvent) return this.#sitOut(slot, wantTicks);
      return this.#give(slot, slack, wantTicks, now);
    }
  }

  /** The packet given by the last `take` sounds for `ticks`. */
  played(ticks: number): void {
    this.#s.position += ticks;
    if (ticks > 0) this.#s.packetTicks = ticks;
  }

  /** The sound was stretched (above zero) or shrunk (below) by `ms`, as `adjustMs` asked. */
  adjusted(ms: number): void {
    if (ms > 0) this.#counts.stretchedMs += ms;
    else this.#counts.shrunkMs -= ms;
    const left = this.#s.adjustMs - ms;
    if (this.#s.adjustMs > 0) this.#s.adjustMs = Math.max(0, left);
    else this.#s.adjustMs = left > -SMALLEST_SHRINK_MS ? 0 : left;
    this.#watchAnew();
  }

  /** The sender is another, or has begun anew: the next packet, whatever its numbers, follows those that wait. */
  restart(): void {
    this.#timeline.restart();
  }

  #aim(): void {
    const { seen, spreadMs } = this.#timeline;
    const needed = Math.min(Math.max(spreadMs, this.#s.minDelayMs), this.#s.maxDelayMs);
    // With few packets seen, the last target stands: the initial one, or what was learned before a pause.
    if (seen >= LEARN_PACKETS || needed > this.#s.targetMs) this.#s.targetMs = needed;
  }

  /** Nothing can be played: the buffer is dry, or its first packet has not waited long enough. */
  #wait(wantTicks: number): Take {
    this.#s.isFlowing = 0;
    this.#s.adjustMs = 0;
    this.#s.ticks = wantTicks;
    return this.#lack(wantTicks);
  }

  /** Time passes without sound: the sender's pause, or something to conceal. */
  #lack(ticks: number): Take {
    const ms = ticks * this.#s.msPerTick;
    this.#s.gapMs += ms;
    if (this.#s.pause !== NO_PAUSE) {
      if (this.#s.gapMs > CONCEAL_MS) this.#s.pause = SILENCE;
      return this.#s.pause === SILENCE ? 'silence' : 'event';
    }
    this.#counts.concealedMs += ms;
    return this.#s.gapMs > CONCEAL_MS ? 'silence' : 'conceal';
  }

  /** The sound so far does not reach to the next packet's. */
  #bridge(slot: number, gap: number, wantTicks: number, now: number): Take {
    const isLoss = this.#ring.sequenceOf(slot) > this.#s.next;
    // A delay below the target waits here and moves nothing on: what is missing may yet come.
    const isHeld = isLoss && this.#timeline.delayOf(this.#s.position, now) < this.#s.targetMs - TOLERANCE_MS;
    const ticks = isHeld ? wantTicks : Math.min(wantTicks, gap);
    let passed = isHeld ? 0 : ticks;
    if (isHeld) this.#counts.stretchedMs += ticks * this.#s.msPerTick;
    else if (this.#s.adjustMs < 0) {
      // Nobody hears a gap shrink.
      const saved = Math.min(gap - ticks, Math.floor(-this.#s.adjustMs / this.#s.msPerTick));
      passed += saved;
      this.adjusted(-saved * this.#s.msPerTick);
    }
    this.#s.position += passed;
    this.#s.ticks = ticks;
    if (!isLoss) {
      if (this.#s.pause === NO_PAUSE) this.#s.pause = SILENCE;
      return this.#lack(ticks);
    }
    this.#s.pause = NO_PAUSE;
    if (gap <= this.#s.packetTicks * 1.5 && this.#ring.isAudio(slot)) {
      this.#bytes = this.#ring.bytesOf(slot);
      this.#s.nextOffset = this.#ring.offsetOf(slot);
      this.#s.nextLength = this.#ring.lengthOf(slot);
    }
    return this.#lack(ticks);
  }

  /** An event's share of the time passes in silence. */
  #sitOut(slot: number, wantTicks: number): Take {
    const time = this.#ring.timeOf(slot);
    const end = time + this.#s.packetTicks;
    if (this.#s.isFlowing === 0) this.#s.position = Math.max(this.#s.position, time);
    this.#resume();
    this.#s.pause = EVENT;
    this.#s.ticks = Math.min(wantTicks, end - this.#s.position);
    this.#s.position += this.#s.ticks;
    if (this.#s.position >= end) this.#pass(slot);
    return 'event';
  }

  #give(slot: number, slack: number, wantTicks: number, now: number): Take {
    const wasFlowing = this.#s.isFlowing === 1;
    this.#bytes = this.#ring.bytesOf(slot);
    this.#s.offset = this.#ring.offsetOf(slot);
    this.#s.length = this.#ring.lengthOf(slot);
    this.#s.payloadType = this.#ring.payloadTypeOf(slot);
    this.#s.position = this.#ring.timeOf(slot);
    if (this.#ring.isNoise(slot)) {
      this.#resume();
      this.#pass(slot);
      this.#s.isFlowing = 0;
      this.#s.pause = SILENCE;
      return 'noise';
    }
    this.#resume();
    this.#pass(slot);
    this.#s.pause = NO_PAUSE;
    this.#counts.played++;
    const waste = Math.max(0, this.#s.frameMs - wantTicks * this.#s.msPerTick);
    this.#s.delayMs = slack + waste;
    if (!wasFlowing) this.#watchAnew();
    this.#steer(slack, waste, now);
    return 'play';
  }

  /** Whether the delay should grow or may shrink. `slack`: how long ago the packet could have been here at the latest; `waste`: sound decoded before it was needed. */
  #steer(slack: number, waste: number, now: number): void {
    if (slack < this.#s.targetMs - TOLERANCE_MS) {
      this.#s.adjustMs = this.#s.targetMs - slack;
      this.#watchAnew();
      return;
    }
    if (this.#s.adjustMs > 0) this.#s.adjustMs = 0;
    if (this.#s.leastSlackMs === Infinity) this.#s.watchedFrom = now;
    this.#s.leastSlackMs = Math.min(this.#s.leastSlackMs, slack);
    this.#s.leastWasteMs = Math.min(this.#s.leastWasteMs, waste);
    if (this.#s.adjustMs < 0 || now - this.#s.watchedFrom < WATCH_MS) return;
    // Whole ticks that every packet could do without, and sound that always lies ready too early.
    const ticks = Math.max(0, Math.floor((this.#s.leastSlackMs - this.#s.targetMs) / this.#s.frameMs));
    const spare = ticks * this.#s.frameMs + this.#s.leastWasteMs;
    if (spare >= SMALLEST_SHRINK_MS) this.#s.adjustMs = -spare;
    this.#watchAnew();
  }

  #watchAnew(): void {
    this.#s.leastSlackMs = Infinity;
    this.#s.leastWasteMs = Infinity;
  }

  /** Sound again, or its substitute: the gap is over. */
  #resume(): void {
    if (this.#s.pause === NO_PAUSE && this.#s.gapMs > this.#counts.longestGapMs) this.#counts.longestGapMs = this.#s.gapMs;
    this.#s.gapMs = 0;
    this.#s.isFlowing = 1;
    this.#s.isOpening = 0;
  }

  /** The packet's turn has come; those before it have not come. */
  #pass(slot: number): void {
    const sequence = this.#ring.sequenceOf(slot);
    this.#counts.missing += sequence - this.#s.next;
    this.#s.next = sequence + 1;
    this.#ring.free(slot);
  }

  #drop(slot: number): void {
    this.#pass(slot);
    this.#s.isOpening = 0;
  }

  /** Gives up what waits below `first`, so that a much newer packet finds room. */
  #makeRoom(first: number): void {
    const ring = this.#ring;
    for (let slot = ring.find(this.#s.next, first - 1); slot >= 0; slot = ring.find(this.#s.next, first - 1)) {
      this.#counts.overflowed++;
      this.#drop(slot);
    }
    this.#counts.missing += first - this.#s.next;
    this.#s.next = first;
    this.#s.isOpening = 0;
    this.#s.isFlowing = 0;
  }
}
