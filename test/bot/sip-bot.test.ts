import { describe, expect, test } from 'vitest';
import type { AudioFrame } from '../../src/bot/audio.js';
import type { Call, CallEnd } from '../../src/bot/call.js';
import { EchoBot } from '../../src/bot/echo-bot.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import { SipBot } from '../../src/bot/sip-bot.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../src/testing/memory-network.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const HOST = '10.0.0.1';

/** Two bots over one network and one clock: the one that is called, and the one that calls. */
async function two(options: SipBotOptions = {}, callerOptions: SipBotOptions = {}) {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 5 });
  const make = async (host: string, seed: number, more: SipBotOptions): Promise<SipBot> => {
    const bot = new SipBot({
      clock,
      network,
      random: new SeededRandom(seed),
      listen: [{ transport: 'udp', host, port: 5060 }],
      rtpHost: host,
      allow: ['10.0.0.0/8'],
      ...more,
    });
    const started = bot.start();
    await clock.run(50);
    await started;
    return bot;
  };
  const callee = await make(HOST, 1, options);
  const caller = await make('10.0.0.2', 2, callerOptions);
  /** Turns the clock until it is so, or the promise has settled. */
  const until = async <T>(promise: Promise<T>, limitMs = 60_000): Promise<T> => {
    let isDone = false;
    const done = promise.finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    await clock.runUntil(() => isDone, limitMs);
    return done;
  };
  const stop = async (): Promise<void> => {
    await until(Promise.all([callee.stop(), caller.stop()]));
  };
  return { clock, network, callee, caller, until, stop };
}

const tone = (hz: number, ms: number, rate = 16_000): Int16Array =>
  Int16Array.from({ length: (rate * ms) / 1000 }, (_, i) => Math.round(8000 * Math.sin((2 * Math.PI * hz * i) / rate)));

/** How much of a frequency is in it, as a share of its energy. */
function share(samples: Int16Array, hz: number, rate: number): number {
  let re = 0;
  let im = 0;
  let energy = 0;
  samples.forEach((sample, i) => {
    re += sample * Math.cos((2 * Math.PI * hz * i) / rate);
    im += sample * Math.sin((2 * Math.PI * hz * i) / rate);
    energy += sample * sample;
  });
  return energy === 0 ? 0 : (2 * (re * re + im * im)) / (samples.length * energy);
}

function collect(call: Call): { all(): Int16Array; frames: AudioFrame[] } {
  const frames: AudioFrame[] = [];
  call.audio.on('frame', (frame) => frames.push(frame));
  return { frames, all: () => Int16Array.from(frames.flatMap((frame) => [...frame.samples])) };
}

describe('SipBot, two of them', () => {
  test('the first screen: an incoming call is answered and echoed by a for-await loop', async () => {
    const { clock, callee, caller, until, stop } = await two();
    const ends: CallEnd[] = [];
    callee.on('call', async (call) => {
      call.on('ended', (end) => ends.push(end));
      await call.answer();
      for await (const frame of call.audio) call.audio.write(frame.samples);
    });
    const call = await until(caller.dial(`sip:echo@${HOST}`));
    expect(call.state).toBe('answered');
    const heard = collect(call);
    call.audio.write(tone(1000, 2000));
    await clock.run(2500);
    const middle = heard.all().subarray(16_000, 32_000);
    expect(share(middle, 1000, 16_000)).toBeGreaterThan(0.98);
    expect(call.audio.playedMs).toBe(2000);
    await until(call.hangup());
    await clock.run(1000);
    expect(ends).toMatchObject([{ reason: 'hangup', by: 'remote', status: 200, cause: 16 }]);
    expect(caller.calls.size + callee.calls.size).toBe(0);
    await stop();
  });

  test('the plug-in: `bot` answers by itself, and is told of start, keys and end', async () => {
    const told: string[] = [];
    const { clock, caller, until, stop, network } = await two({
      bot: () => ({
        onStart: (call) => void told.push(`start ${call.direction}`),
        onAudio: (frame, call) => void call.audio.write(frame.samples),
        onDtmf: (digit) => void told.push(digit),
        onEnd: (end) => void told.push(`end by ${end.by}`),
      }),
    });
    const call = await until(caller.dial(`sip:bot@${HOST}`));
    await until(call.sendDtmf('12#'));
    await clock.run(500);
    await until(call.hangup());
    await clock.run(100);
    expect(told).toEqual(['start in', '1', '2', '#', 'end by remote']);
    await stop();
    expect(network.open).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('EchoBot in one line; reject, redirect and nobody at home each reach the caller as they are', async () => {
    const { callee, caller, until, stop } = await two({
      bot: (call) => (call.requestUri.startsWith('sip:echo@') ? new EchoBot() : undefined),
    });
    const call = await until(caller.dial(`sip:echo@${HOST}`));
    await until(call.hangup());
    await expect(until(caller.dial(`sip:nobody@${HOST}`))).rejects.toMatchObject({ status: 480 });
    callee.on('call', (incoming) => {
      if (incoming.to.user === 'busy') incoming.reject(486, 'On the Phone');
      else incoming.redirect('sip:echo@10.0.0.9');
    });
    await expect(until(caller.dial(`sip:busy@${HOST}`))).rejects.toMatchObject({
      status: 486,
      reason: 'On the Phone',
      code: 'ERR_CALL_REJECTED',
    });
    await expect(until(caller.dial(`sip:moved@${HOST}`))).rejects.toMatchObject({ status: 302 });
    await stop();
  });

  test('a listener that throws or rejects ends that call alone, and is told as error', async () => {
    const { clock, callee, caller, until, stop } = await two();
    const errors: string[] = [];
    callee.on('error', (error, call) => errors.push(`${String(error)} in ${call?.to.user}`));
    callee.on('call', async (call) => {
      await call.answer();
      if (call.to.user === 'reject') throw new Error('rejected');
      call.on('dtmf', () => {
        throw new Error('thrown');
      });
    });
    const good = await until(caller.dial(`sip:good@${HOST}`));
    const bad = await until(caller.dial(`sip:reject@${HOST}`));
    await clock.run(1000);
    expect([good.state, bad.state]).toEqual(['answered', 'ended']);
    const ended = new Promise((resolve) => good.on('ended', resolve));
    // The far end hangs up at the key, perhaps before its last packet is out.
    good.sendDtmf('5').catch(() => {});
    await until(ended);
    expect(errors).toEqual(['Error: rejected in reject', 'Error: thrown in good']);
    await stop();
  });
});
