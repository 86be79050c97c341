import { describe, expect, test } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { RtpHeader } from '../../src/rtp/header.js';
import { JitterBuffer, type PacketKind, type PutOutcome } from '../../src/rtp/jitter-buffer.js';
import type { JitterOptions } from '../../src/rtp/jitter-options.js';

const TICKS = 160;

/** A buffer with packets of 20 ms whose payload is their number, and ticks at 10, 30, 50 … */
class Rig {
  readonly buffer: JitterBuffer;
  readonly #header = new RtpHeader();

  constructor(options: Partial<JitterOptions> = {}) {
    this.buffer = new JitterBuffer({ clockRate: 8000, initialDelayMs: 5, ...options });
  }

  put(
    number: number,
    now: number,
    options: { kind?: PacketKind; time?: number; bytes?: number; duration?: number; marker?: boolean } = {},
  ): PutOutcome {
    const { kind = 'audio', time = number * TICKS, bytes = 4, duration, marker = false } = options;
    const packet = new Uint8Array(12 + bytes);
    packet[12] = number;
    Object.assign(this.#header, {
      sequence: number & 0xffff,
      timestamp: time >>> 0,
      marker,
      payloadType: kind === 'audio' ? 0 : 13,
      payloadOffset: 12,
      payloadLength: bytes,
    });
    return this.buffer.put(kind, this.#header, packet, now, duration);
  }

  /** One tick of 20 ms: what it was made of. */
  tick(now: number): string {
    const parts: string[] = [];
    for (let want = TICKS; want > 0; ) {
      const take = this.buffer.take(now, want);
      if (take === 'play' || take === 'noise') {
        parts.push(`${take === 'noise' ? 'noise ' : ''}${this.buffer.bytes[this.buffer.offset]}`);
        if (take === 'noise') continue;
        this.buffer.played(TICKS);
        want -= TICKS;
      } else {
        parts.push(this.buffer.ticks === TICKS ? take : `${take} ${this.buffer.ticks}`);
        want -= this.buffer.ticks;
      }
    }
    return parts.join(', ');
  }

  /** Packets `from` to `to`, each as it is due, and the ticks between. */
  run(from: number, to: number): string[] {
    return Array.from({ length: to - from }, (_, i) => {
      this.put(from + i, 20 * (from + i));
      return this.tick(20 * (from + i) + 10);
    });
  }
}

describe('in order', () => {
  test('each packet is given once, when its time has come', () => {
    const rig = new Rig();
    expect(rig.tick(0)).toBe('silence');
    expect(rig.run(0, 5)).toEqual(['0', '1', '2', '3', '4']);
    expect(rig.buffer.stats).toMatchObject({ received: 5, played: 5, missing: 0, late: 0 });
    expect([rig.buffer.delayMs, rig.buffer.depth]).toEqual([10, 0]);
  });

  test('the first waits for the target, so that those after it may be later', () => {
    const rig = new Rig({ initialDelayMs: 40 });
    rig.put(0, 0);
    expect([rig.tick(10), rig.tick(30), rig.tick(50)]).toEqual(['silence', 'silence', '0']);
  });

  test('reordered packets come out in order, even before the first that came', () => {
    const rig = new Rig({ initialDelayMs: 40 });
    for (const [number, at] of [
      [1, 20],
      [0, 25],
      [3, 55],
      [2, 60],
    ] as const)
      expect(rig.put(number, at)).toBe('stored');
    expect([rig.tick(62), rig.tick(82), rig.tick(102), rig.tick(122)]).toEqual(['0', '1', '2', '3']);
  });

  test('a duplicate is known, before and after it was given', () => {
    const rig = new Rig();
    rig.run(0, 3);
    expect(rig.put(2, 55)).toBe('duplicate');
    rig.put(3, 60);
    expect(rig.put(3, 61)).toBe('duplicate');
    expect(rig.tick(70)).toBe('3');
    expect(rig.buffer.stats.duplicates).toBe(2);
  });

  test('a packet that comes when a later one has been given is late', () => {
    const rig = new Rig();
    rig.run(0, 3);
    rig.put(4, 65);
    expect([rig.tick(70), rig.tick(90)]).toEqual(['conceal', '4']);
    expect(rig.put(3, 95)).toBe('late');
    expect(rig.buffer.stats).toMatchObject({ late: 1, missing: 1 });
  });

  test('one that comes while its gap is being concealed is not thrown away: the delay grows by as much', () => {
    const rig = new Rig();
    rig.run(0, 3);
    rig.put(4, 65);
    expect(rig.tick(70)).toBe('conceal');
    expect(rig.put(3, 85)).toBe('stored');
    rig.put(5, 100);
    expect([rig.tick(90), rig.tick(110), rig.tick(130)]).toEqual(['3', '4', '5']);
    // Packet 4 had been 15 ms faster than the others.
    expect([rig.buffer.delayMs, rig.buffer.stats.missing]).toEqual([10 + 20 + 15, 0]);
  });

  test('numbers wrap', () => {
    const rig = new Rig();
    const out: string[] = [];
    for (let i = 65530; i < 65545; i++) {
      rig.put(i, 20 * i, { time: i * TICKS + 0xfff00000 });
      out.push(rig.tick(20 * i + 10));
    }
    expect(out).toEqual(Array.from({ length: 15 }, (_, i) => String((65530 + i) & 0xff)));
  });
});

describe('something is missing', () => {
  test('it is concealed for as long as it was, and the next is not delayed', () => {
    const rig = new Rig();
    rig.run(0, 3);
    rig.put(5, 62);
    expect([rig.tick(70), rig.tick(90), rig.tick(110)]).toEqual(['conceal', 'conceal', '5']);
    expect(rig.buffer.stats).toMatchObject({ missing: 2, concealedMs: 40, longestGapMs: 40 });
  });

  test('the packet after the gap stands ready, for its redundancy', () => {
    const rig = new Rig();
    rig.run(0, 3);
    rig.put(4, 65);
    rig.tick(70);
    const { buffer } = rig;
    expect(buffer.nextLength).toBe(4);
    expect(buffer.bytes[buffer.nextOffset]).toBe(4);
    rig.tick(90);
    expect(buffer.nextLength).toBe(0);
  });

  test('a dry buffer conceals, then is silent, and loses nothing when the packets come after all', () => {
    const rig = new Rig();
    rig.run(0, 3);
    expect([70, 90, 110, 130].map((now) => rig.tick(now))).toEqual(['conceal', 'conceal', 'conceal', 'silence']);
    for (let i = 3; i < 8; i++) expect(rig.put(i, 145)).toBe('stored');
    expect([150, 170, 190].map((now) => rig.tick(now))).toEqual(['3', '4', '5']);
    expect(rig.buffer.stats).toMatchObject({ missing: 0, late: 0, longestGapMs: 80 });
  });

  test('the delay has grown at once, and asks to be shrunk when the network has proved calm', () => {
    const rig = new Rig();
    rig.run(0, 3);
    for (const now of [70, 90, 110, 130]) rig.tick(now);
    for (let i = 3; i < 7; i++) rig.put(i, 145);
    let asked = 0;
    for (let i = 7; i < 400; i++) {
      rig.put(i, 20 * i);
      rig.tick(20 * i + 10);
      const { adjustMs, delayMs, targetMs } = rig.buffer;
      // Never so much that the target would be missed.
      if (adjustMs < 0) expect(delayMs + adjustMs).toBeGreaterThanOrEqual(targetMs);
      asked = Math.min(asked, adjustMs);
    }
    expect(rig.buffer.targetMs).toBe(5);
    expect(asked).toBeLessThanOrEqual(-20);
  });
});

describe('pauses of the sender', () => {
  test('time without packets but with unbroken numbers is silence', () => {
    const rig = new Rig();
    rig.run(0, 3);
    rig.put(3, 61, { time: 5 * TICKS });
    expect([rig.tick(70), rig.tick(90), rig.tick(110)]).toEqual(['silence', 'silence', '3']);
    expect(rig.buffer.stats).toMatchObject({ missing: 0, concealedMs: 0, longestGapMs: 0 });
  });

  test('RFC 3389: comfort noise is given, and nothing after it is missed', () => {
    const rig = new Rig();
    rig.run(0, 3);
    rig.put(3, 60, { kind: 'noise' });
    expect([70, 90, 110, 2000].map((now) => rig.tick(now))).toEqual(['noise 3, silence', 'silence', 'silence', 'silence']);
    rig.put(4, 4000, { time: 200 * TICKS, marker: true });
    expect(rig.tick(4010)).toBe('4');
    expect(rig.buffer.stats).toMatchObject({ missing: 0, concealedMs: 0 });
  });

  test('the delay shrinks in them at no cost', () => {
    const rig = new Rig({ initialDelayMs: 100 });
    const first = Array.from({ length: 40 }, (_, i) => i);
    for (const i of first) {
      rig.put(i, 20 * i);
      rig.tick(20 * i + 10);
    }
    expect(rig.buffer.delayMs).toBe(110);
    rig.put(40, 800, { kind: 'noise' });
    for (let now = 810; now < 2000; now += 20) rig.tick(now);
    rig.put(41, 2000, { time: 100 * TICKS });
    expect(rig.tick(2010)).toBe('41');
    expect([rig.buffer.delayMs, rig.buffer.stats.shrunkMs]).toEqual([10, 0]);
  });

  test('RFC 4733: events fill sequence numbers and time; nothing is concealed', () => {
    const rig = new Rig();
    rig.run(0, 3);
    const out: string[] = [];
    // A key of 100 ms whose end is told three times while time goes on.
    const durations = [1, 2, 3, 4, 5, 5, 5];
    durations.forEach((packets, i) => {
      rig.put(3 + i, 60 + 20 * i, { kind: 'event', time: 3 * TICKS, duration: packets * TICKS });
      out.push(rig.tick(70 + 20 * i));
    });
    rig.put(10, 200, { time: 10 * TICKS });
    out.push(rig.tick(210));
    expect(out).toEqual([...Array(7).fill('event'), '10']);
    expect(rig.buffer.stats).toMatchObject({ missing: 0, concealedMs: 0 });
  });

  test('an event in another clock takes numbers and no time', () => {
    const rig = new Rig();
    rig.run(0, 3);
    rig.put(3, 60, { kind: 'event', time: 4_000_000_000 });
    expect(rig.tick(70)).toBe('event');
    rig.put(4, 80, { time: 4 * TICKS });
    expect(rig.tick(90)).toBe('4');
    expect(rig.buffer.stats.missing).toBe(0);
  });
});

describe('bounds', () => {
  test('a delay above the cap is never kept: the oldest go', () => {
    const rig = new Rig({ maxDelayMs: 100 });
    rig.run(0, 30);
    for (let now = 610; now < 1600; now += 20) rig.tick(now);
    for (let i = 30; i < 80; i++) rig.put(i, 1600);
    expect(Number(rig.tick(1610))).toBeGreaterThanOrEqual((1610 - 100 - 20) / 20);
    expect(rig.buffer.delayMs).toBeLessThanOrEqual(120);
  });

  test('a packet far ahead pushes out what is too far behind it', () => {
    const rig = new Rig({ slots: 8, initialDelayMs: 100 });
    for (let i = 0; i < 4; i++) rig.put(i, 20 * i);
    expect(rig.put(10, 70, { time: 4 * TICKS })).toBe('stored');
    expect([rig.buffer.stats.overflowed, rig.buffer.depth]).toEqual([3, 2]);
    expect(rig.tick(160)).toBe('3');
  });

  test('no more packets wait than there are slots, whatever comes', () => {
    const rig = new Rig({ slots: 16 });
    for (let i = 0; i < 5000; i++) {
      rig.put((i * 7919) % 60_000, i * 0.5, { time: (i * 104_729) % 2 ** 32 });
      expect(rig.buffer.depth).toBeLessThanOrEqual(16);
    }
  });

  test('memory is as wide as the packets, and a payload of 2 kB is no voice', () => {
    const rig = new Rig({ slots: 64 });
    rig.put(0, 0, { bytes: 160 });
    rig.put(1, 20, { bytes: 320 });
    expect(rig.put(2, 40, { bytes: 2049 })).toBe('tooBig');
    expect(rig.tick(30)).toBe('0');
    expect(rig.buffer.bytes.length).toBe(8 * JitterBuffer.cells(64)); // Beside what is known of it.
    expect(rig.tick(50)).toBe('1');
    expect(rig.buffer.bytes.length).toBe(64 * 352);
  });

  test('a packet at the head of a large memory is copied without the rest', () => {
    const buffer = new JitterBuffer({ clockRate: 8000, initialDelayMs: 5 });
    const header = Object.assign(new RtpHeader(), { payloadOffset: 12, payloadLength: 160 });
    buffer.put('audio', header, new Uint8Array(65_536).fill(9), 0);
    expect(buffer.take(10, 160)).toBe('play');
    expect(buffer.bytes.length).toBe(32 * 160);
    expect([buffer.length, buffer.bytes[buffer.offset]]).toEqual([160, 9]);
  });
});

test('a restarted sender’s packets follow those that wait', () => {
  const rig = new Rig({ initialDelayMs: 60 });
  for (let i = 0; i < 6; i++) {
    rig.put(i, 20 * i);
    rig.tick(20 * i + 10);
  }
  rig.buffer.restart();
  const out: string[] = [];
  for (let i = 0; i < 6; i++) {
    rig.put(200 + i, 120 + 20 * i, { time: 77 + i * TICKS });
    out.push(rig.tick(130 + 20 * i));
  }
  expect(out).toEqual(['3', '4', '5', '200', '201', '202']);
});

test('a delay below the target asks for the sound to be stretched', () => {
  const rig = new Rig();
  rig.run(0, 30);
  // From now on every other packet takes 30 ms longer.
  for (let i = 30; i < 40; i++) {
    if (i % 2 === 0) rig.put(i, 20 * i);
    else rig.put(i - 2, 20 * i - 10);
    rig.tick(20 * i + 10);
  }
  expect(rig.buffer.targetMs).toBeGreaterThan(25);
  expect(rig.buffer.stats.missing + rig.buffer.stats.late).toBeGreaterThan(0);
});

test.each([
  ['clockRate', { clockRate: 0 }],
  ['frameMs', { clockRate: 8000, frameMs: 0 }],
  ['minDelayMs', { clockRate: 8000, minDelayMs: 50, maxDelayMs: 40 }],
  ['slots', { clockRate: 8000, slots: 48 }],
])('%s is checked at the door', (option, options) => {
  expect(() => new JitterBuffer(options)).toThrow(OptionError);
  expect(() => new JitterBuffer(options)).toThrow(new RegExp(`^${option}`));
});
