/** What an application does wrong ends the call that it does it in; the process, the bot and the other calls live. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call } from '../../src/bot/call.js';
import { Conference } from '../../src/bot/conference.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import type { SipBot } from '../../src/bot/sip-bot.js';
import { audible, NOTHING_LEFT, tone, World } from './support/world.js';

const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);
beforeAll(() => {
  process.on('unhandledRejection', onUnhandled);
});
afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
});

/** A good call through it all, and a bad one beside it. */
async function beside(
  options: SipBotOptions,
  misbehave: (call: Call, callee: SipBot) => unknown,
  provoke: (world: World, ours: Call | undefined) => unknown = () => {},
): Promise<{ errors: string[]; bad: Call | undefined; failure: unknown }> {
  const world = new World();
  const callee = await world.bot(2, options);
  const caller = await world.bot(1);
  const errors: string[] = [];
  callee.on('error', (error, call) => errors.push(`${String(error)} in ${call?.to.user}`));
  callee.on('call', (call) => (call.to.user === 'good' ? call.answer() : misbehave(call, callee)));
  const [good, atCallee] = await world.talking(caller, 2, { user: 'good' });
  let bad: Call | undefined;
  let failure: unknown;
  const dialling = caller.dial('sip:bad@10.0.0.2', { timeoutMs: 5000, onCall: (call) => (bad = call) }).catch((error: unknown) => {
    failure = error;
  });
  await world.run(100);
  await provoke(world, bad);
  await world.until(dialling);
  await world.run(2000);
  expect(await audible(world, good, atCallee)).toBe('hears/hears');
  if (bad !== undefined && bad.state !== 'ended') await world.until(bad.hangup());
  await world.until(good.hangup());
  expect(await world.close()).toEqual(NOTHING_LEFT);
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
  return { errors, bad, failure };
}

const boom = (): never => {
  throw new Error('boom');
};
const reject = (): Promise<never> => Promise.reject(new Error('boom'));

describe('a listener of `call`', () => {
  test.each([
    ['throws', boom],
    ['rejects', reject],
  ])('that %s: the caller gets 500, the others nothing', async (_name, fail) => {
    const { errors, failure } = await beside({}, fail);
    expect(errors).toEqual(['Error: boom in bad']);
    expect(failure).toMatchObject({ status: 500 });
  });

  test('that throws after it answered: that call is hung up', async () => {
    const { errors, bad } = await beside({}, async (call) => {
      await call.answer();
      boom();
    });
    expect(errors).toEqual(['Error: boom in bad']);
    expect(bad!.end).toMatchObject({ by: 'remote' });
  });

  test('that never returns: the call rings until the caller or ringTimeoutMs has had enough', async () => {
    const { errors, failure } = await beside({ ringTimeoutMs: 3000 }, () => new Promise(() => {}));
    expect(errors).toEqual([]);
    expect(failure).toMatchObject({ status: 480 });
  });

  test('that answers a call cancelled a millisecond before: told as an error of that call, and nothing hangs', async () => {
    const { failure } = await beside(
      {},
      async (call) => {
        await new Promise<void>((resolve) => call.on('ended', () => resolve()));
        await call.answer();
      },
      async (_world, ours) => {
        void ours!.hangup();
      },
    );
    expect(failure).toMatchObject({ status: 487, code: 'ERR_CALL_CANCELLED' });
  });

  test('that answers while the CANCEL is on its way', async () => {
    const { errors } = await beside(
      {},
      (call) => {
        call.ring().catch(() => {});
        return new Promise((resolve) => call.on('ended', resolve)).then(() => call.answer());
      },
      async (world, ours) => {
        void ours!.hangup();
        await world.run(4);
      },
    );
    expect(errors).toEqual([expect.stringMatching(/^CallError.* in bad$/)]);
  });
});

describe('nobody awaits', () => {
  test.each(['answer', 'ring', 'progress', 'hold', 'resume', 'hangup', 'sendDtmf', 'message', 'transfer'] as const)(
    '%s of a call that has just been cancelled: no unhandled rejection',
    async (deed) => {
      const { failure, errors } = await beside(
        {},
        (call) => {
          call.on('ended', () => {
            const deeds = {
              sendDtmf: () => call.sendDtmf('1'),
              message: () => call.message('x'),
              transfer: () => call.transfer('sip:x@10.0.0.9'),
            };
            void (deed in deeds ? deeds[deed as keyof typeof deeds]() : call[deed as 'answer']());
          });
        },
        (_world, ours) => void ours!.hangup(),
      );
      expect(failure).toMatchObject({ status: 487 });
      expect(errors).toEqual([]);
    },
  );
});

describe('the option `bot`', () => {
  test.each([
    ['throws', boom],
    ['rejects', reject],
  ])('that %s: 500', async (_name, fail) => {
    const { errors, failure } = await beside({ bot: (call) => (call.to.user === 'good' ? undefined : fail()) }, () => {});
    expect(errors).toEqual(['Error: boom in bad']);
    expect(failure).toMatchObject({ status: 500 });
  });

  test('that never resolves: 480 when it has rung long enough', async () => {
    const never = new Promise<undefined>(() => {});
    const { errors, failure } = await beside(
      { ringTimeoutMs: 3000, bot: (call) => (call.to.user === 'good' ? undefined : never) },
      () => {},
    );
    expect(errors).toEqual([]);
    expect(failure).toMatchObject({ status: 480 });
  });

  const methods: Record<string, object> = {
    'onStart throws': { onStart: boom },
    'onStart rejects': { onStart: reject },
    'onAudio throws': { onAudio: boom },
    'onAudio rejects': { onAudio: reject },
    'onDtmf throws': { onDtmf: boom },
    'onDtmf rejects': { onDtmf: reject },
    'onEnd throws': { onEnd: boom },
    'onEnd rejects': { onEnd: reject },
  };
  test.each(Object.entries(methods))('%s', async (name, bot) => {
    const { errors, bad } = await beside(
      { bot: (call) => (call.to.user === 'good' ? undefined : bot) },
      () => {},
      async (world, ours) => {
        await Promise.race([ours!.sendDtmf('5').catch(() => {}), world.run(500)]);
        await world.run(500);
        if (name.startsWith('onEnd')) void ours!.hangup();
      },
    );
    expect(errors[0]).toBe('Error: boom in bad');
    expect(bad!.end).toMatchObject({ by: name.startsWith('onEnd') ? 'local' : 'remote' });
  });
});

describe('listeners of a call and of its audio', () => {
  const attach: Record<string, (call: Call, fail: () => unknown) => unknown> = {
    answered: (call, fail) => call.on('answered', fail),
    dtmf: (call, fail) => call.on('dtmf', fail),
    held: (call, fail) => call.on('held', fail),
    message: (call, fail) => call.on('message', fail),
    transferRequest: (call, fail) => call.on('transferRequest', fail),
    'audio frame': (call, fail) => call.audio.on('frame', fail),
    'audio mark': (call, fail) => {
      call.audio.on('mark', fail);
      call.audio.write(tone(400, 20));
      call.audio.mark('m');
    },
    speechStart: (call, fail) => call.on('speechStart', fail),
  };
  test.each(Object.keys(attach).flatMap((name) => [[name, 'throws', boom] as const, [name, 'rejects', reject] as const]))(
    '%s that %s ends its call alone, and is told once',
    async (name, _how, fail) => {
      const { errors, bad } = await beside(
        {},
        async (call) => {
          attach[name]!(call, fail);
          await call.answer();
        },
        async (world, ours) => {
          await world.run(300);
          const quietly = (promise: Promise<unknown>): Promise<unknown> => Promise.race([promise.catch(() => {}), world.run(1500)]);
          if (name === 'dtmf') await quietly(ours!.sendDtmf('5'));
          if (name === 'held') await quietly(ours!.hold());
          if (name === 'message') await quietly(ours!.message('hello'));
          if (name === 'transferRequest') await quietly(ours!.transfer('sip:x@10.0.0.9'));
          if (name === 'speechStart') {
            ours!.audio.write(Int16Array.from({ length: 16_000 }, (_, i) => 9000 * Math.sin(i * 0.08 + 4 * Math.sin(i * 0.002))));
            await world.run(1000);
          }
        },
      );
      expect(errors[0]).toBe('Error: boom in bad');
      expect(bad!.end).toMatchObject({ by: 'remote' });
    },
  );

  test('ended: the call is over anyway, and it is told', async () => {
    const { errors } = await beside(
      {},
      async (call) => {
        call.on('ended', boom);
        await call.answer();
      },
      async (world, ours) => {
        await world.run(100);
        void ours!.hangup();
      },
    );
    expect(errors).toEqual(['Error: boom in bad']);
  });

  test('a loop over the audio that throws is a listener that rejects', async () => {
    const { errors, bad } = await beside({}, async (call) => {
      await call.answer();
      for await (const frame of call.audio) if (frame.timeMs > 100) boom();
    });
    expect(errors).toEqual(['Error: boom in bad']);
    expect(bad!.end).toMatchObject({ by: 'remote' });
  });
});

describe('further corners', () => {
  test('an `onCall` of dial that throws or rejects: dial rejects with it, the call is cancelled', async () => {
    const world = new World();
    const caller = await world.bot(1);
    const callee = await world.bot(2);
    callee.on('call', () => {});
    for (const fail of [boom, reject]) {
      expect(await world.failure(caller.dial('sip:x@10.0.0.2', { onCall: fail as () => void }))).toMatchObject({ message: 'boom' });
      await world.run(1000);
      expect([caller.calls.size, callee.calls.size]).toEqual([0, 0]);
    }
    expect(await world.close()).toEqual(NOTHING_LEFT);
    expect(unhandled).toEqual([]);
  });

  test('a listener of `error` that throws is logged, once', async () => {
    const world = new World();
    const caller = await world.bot(1);
    const callee = await world.bot(2);
    callee.on('call', boom);
    callee.on('error', boom);
    expect(await world.failure(caller.dial('sip:x@10.0.0.2'))).toMatchObject({ status: 500 });
    expect(world.errors).toHaveLength(2);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('listeners of a Conference that throw or reject: that member leaves with its call, the room goes on', async () => {
    const world = new World();
    const callee = await world.bot(2);
    const caller = await world.bot(1);
    const room = new Conference();
    const errors: string[] = [];
    callee.on('error', (error, call) => errors.push(`${String(error)} in ${call?.to.user}`));
    callee.on('call', async (call) => {
      await call.answer();
      room.add(call);
    });
    room.on('joined', (call) => (call.to.user === 'bad' ? reject() : undefined));
    const [one] = await world.talking(caller, 2, { user: 'one' });
    const [bad] = await world.talking(caller, 2, { user: 'bad' });
    const [two] = await world.talking(caller, 2, { user: 'two' });
    await world.run(500);
    expect(bad.state).toBe('ended');
    expect(errors).toEqual(['Error: boom in bad']);
    expect(room.members).toHaveLength(2);
    expect(await audible(world, one, two)).toBe('hears/hears');
    await world.until(Promise.all([one.hangup(), two.hangup()]));
    expect(room.members).toEqual([]);
    expect(await world.close()).toEqual(NOTHING_LEFT);
    expect(unhandled).toEqual([]);
  });

  test('one function for two events: a failure is told of the event in which it happened', async () => {
    const world = new World();
    const caller = await world.bot(1);
    const callee = await world.bot(2);
    const errors: (string | undefined)[] = [];
    callee.on('error', (_error, call) => errors.push(call?.to.user));
    const fail = (): never => boom();
    callee.on('message', fail);
    callee.on('call', fail);
    await world.until(caller.message('sip:x@10.0.0.2', 'hello'));
    expect(await world.failure(caller.dial('sip:bad@10.0.0.2'))).toMatchObject({ status: 500 });
    expect(errors).toEqual([undefined, 'bad']);
    callee.off('call', fail);
    expect([callee.listenerCount('call'), callee.listenerCount('message')]).toEqual([0, 1]);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });
});
