/** A call to a bot that is a bridge, on a hand-turned clock: the caller at one end, the platform, made of arrays, at the other. */
import type { Bot } from '../../../src/bot/bot.js';
import type { Call } from '../../../src/bot/call.js';
import type { SipBotOptions } from '../../../src/bot/options.js';
import { encoder } from '../../../src/codec/registry.js';
import { Ear, World } from '../support/world.js';
import { FakeService } from '../wire/fake-service.js';

export interface BridgedCall<B extends Bot> {
  readonly world: World;
  readonly service: FakeService;
  readonly bridge: B;
  /** The caller's end. */
  readonly caller: Call;
  /** The bot's. */
  readonly call: Call;
  readonly ear: Ear;
}

export async function bridged<B extends Bot>(
  make: (service: FakeService) => B,
  options: { readonly callerRate?: 8000 | 16000 | 24000; readonly service?: FakeService; readonly bot?: Partial<SipBotOptions> } = {},
): Promise<BridgedCall<B>> {
  const { callerRate = 8000, service = new FakeService() } = options;
  const world = new World();
  const bridge = make(service);
  await world.bot(2, { codecs: ['pcmu'], bot: () => bridge, ...options.bot });
  const bot = await world.bot(1, { codecs: ['pcmu'], audio: { sampleRate: callerRate } });
  const [caller, call] = await world.talking(bot, 2);
  return { world, service, bridge, caller, call, ear: new Ear(caller) };
}

/** µ-law codes that come back as they are, none of them silence: 0x7f is the other zero, and 0xff is silence. */
export function codes(count: number, seed = 1): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length: count }, () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      const code = (state >> 16) & 0xff;
      return code === 0x7f || code === 0xff ? 0x55 : code;
    }),
  );
}

export function toMulaw(samples: Int16Array): Buffer {
  const bytes = new Uint8Array(samples.length);
  encoder('pcmu').encode(samples, samples.length, bytes, 0);
  return Buffer.from(bytes);
}

/** A jitter buffer that begins with more delay than it needs takes it back in the first loud seconds: from then on bits arrive as they were sent. */
export async function settledBuffers(world: World, ...calls: readonly Call[]): Promise<void> {
  for (const call of calls) call.audio.write(noise(2000, call.sampleRate));
  await world.run(4000);
}

export function noise(ms: number, sampleRate: number): Int16Array {
  const bytes = codes((ms * sampleRate) / 1000, 99);
  return Int16Array.from(bytes, (byte) => (byte - 128) * 100);
}
