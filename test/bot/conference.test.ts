import { EventEmitter } from 'eventemitter3';
import { describe, expect, test } from 'vitest';
import { CallAudio } from '../../src/bot/audio.js';
import type { Call } from '../../src/bot/call.js';
import { Conference, type ConferenceOptions } from '../../src/bot/conference.js';
import { fitSine, rms, sine } from '../codec/signals.js';
import { type FakeLine, FRAME, fakeLine, RATE } from './fake-line.js';

class FakeCall extends EventEmitter {
  state = 'answered';
  readonly audio = new CallAudio({ sampleRate: RATE, frameMs: 20, onThrown: (error) => expect.unreachable(String(error)) });
  readonly line: FakeLine = fakeLine(() => this.audio.onFrames());
  readonly asCall = this as unknown as Call;

  constructor() {
    super();
    this.audio.attach(this.line);
  }

  end(): void {
    this.state = 'ended';
    this.emit('ended');
  }

  /** How loud a tone is in what was sent to it since `from` seconds. */
  hears(hz: number, from: number): number {
    return fitSine(Int16Array.from(this.line.sent), hz, RATE, Math.round(from * RATE), this.line.sent.length).amplitude;
  }
}

const TONES = [500, 900, 1300] as const;
const tones = TONES.map((hz) => sine(hz, RATE, 10, 5000));

function room(options: ConferenceOptions = {}) {
  const conference = new Conference(options);
  const calls = TONES.map(() => new FakeCall());
  for (const call of calls) conference.add(call.asCall);
  let frame = 0;
  /** Everyone speaks, each their tone. */
  const talk = (seconds: number, speakers: readonly FakeCall[] = calls): void => {
    for (let i = 0; i < seconds * 50; i++, frame++)
      for (const [number, call] of calls.entries())
        if (speakers.includes(call)) call.line.tick(tones[number]!.subarray(frame * FRAME, (frame + 1) * FRAME));
  };
  const last = (call: FakeCall): number => call.line.sent.length / RATE - 0.5;
  return { conference, calls: calls as [FakeCall, FakeCall, FakeCall], talk, last };
}

describe('a conference', () => {
  test('everyone hears the others, and not themselves', () => {
    const { calls, talk, last } = room();
    talk(2);
    for (const [number, call] of calls.entries())
      for (const [other, hz] of TONES.entries()) {
        const amplitude = call.hears(hz, last(call));
        if (other === number) expect(amplitude).toBeLessThan(20);
        else expect(amplitude / 5000).toBeCloseTo(1, 1);
      }
  });

  test('mixed at another rate than that of its calls: the same', () => {
    const { calls, talk, last } = room({ sampleRate: 24_000 });
    talk(2);
    expect(calls[0].hears(900, last(calls[0])) / 5000).toBeCloseTo(1, 1);
    expect(calls[0].hears(500, last(calls[0]))).toBeLessThan(20);
  });

  test('who is muted is not heard, and hears; who is deaf is heard, and does not hear', () => {
    const { conference, calls, talk, last } = room();
    conference.mute(calls[0].asCall);
    conference.deafen(calls[1].asCall);
    talk(2);
    expect(calls[2].hears(500, last(calls[2]))).toBeLessThan(20);
    expect(calls[2].hears(900, last(calls[2])) / 5000).toBeCloseTo(1, 1);
    expect(calls[0].hears(900, last(calls[0])) / 5000).toBeCloseTo(1, 1);
    expect(calls[1].line.sent).toEqual([]);
    conference.mute(calls[0].asCall, false);
    conference.deafen(calls[1].asCall, false);
    talk(2);
    expect(calls[1].hears(500, last(calls[1])) / 5000).toBeCloseTo(1, 1);
  });

  test('who brings no frames keeps nobody waiting, and is heard again', () => {
    const { calls, talk, last } = room();
    talk(1);
    talk(2, [calls[0], calls[1]]);
    expect(calls[0].hears(900, last(calls[0])) / 5000).toBeCloseTo(1, 1);
    talk(1);
    expect(calls[0].hears(1300, last(calls[0])) / 5000).toBeCloseTo(1, 1);
  });

  test('louder than full scale is cut, not wrapped', () => {
    const { calls } = room();
    const loud = new Int16Array(FRAME).fill(30_000);
    for (let i = 0; i < 20; i++) for (const call of calls) call.line.tick(loud);
    expect(calls[0].line.sent.at(-1)).toBe(32_767);
  });

  test('what came late into a call is made up for where nobody speaks', () => {
    const { calls } = room();
    const quiet = new Int16Array(FRAME);
    const listener = calls[0];
    listener.audio.write(new Int16Array(5 * FRAME));
    for (let i = 0; i < 50; i++) for (const call of calls) call.line.tick(quiet);
    expect(listener.audio.queuedMs).toBeGreaterThanOrEqual(80);
    for (let i = 0; i < 300; i++) for (const call of calls) call.line.tick(quiet);
    expect(listener.audio.queuedMs).toBeLessThanOrEqual(40);
    expect(rms(listener.line.sent)).toBe(0);
  });

  test('a call leaves when it ends, and all when the room closes; the number of seats is kept', () => {
    const { conference, calls, talk } = room({ maxMembers: 3 });
    const left: unknown[] = [];
    conference.on('left', (call) => left.push(call));
    expect(() => conference.add(new FakeCall().asCall)).toThrow(/maxMembers/);
    calls[1].end();
    expect(conference.members).toEqual([calls[0], calls[2]]);
    conference.add(calls[0].asCall);
    expect(conference.members).toHaveLength(2);
    conference.close();
    expect(left).toEqual([calls[1], calls[0], calls[2]]);
    const before = calls[0].line.sent.length;
    talk(1);
    expect(calls[0].line.sent.length).toBeLessThanOrEqual(before + 2 * FRAME);
    conference.add(calls[1].asCall);
    expect(conference.members).toEqual([]);
  });
});
