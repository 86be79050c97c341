/** The bot under measurement of bench/latency.ts: hears clicks and says one back at once; a process of its own. */
import { SipBot } from '../src/index.js';

export type ToBot = { readonly type: 'dial'; readonly calls: number; readonly port: number } | { readonly type: 'end' };
export type FromBot =
  | { readonly type: 'ready' }
  | { readonly type: 'dialled' }
  /** Of each call, when each click was heard; and what the jitter buffers held at the median. */
  | { readonly type: 'heard'; readonly heard: number[][]; readonly bufferMs: number };

const HOST = '127.0.0.1';
const LOUD = 8000;
/** The same click, still. */
const APART_MS = 200;
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const tell = (message: FromBot): void => void process.send!(message);

const bot = new SipBot({
  codecs: ['pcmu'],
  audio: { sampleRate: 8000 },
  listen: [{ transport: 'udp', host: HOST }],
  rtpHost: HOST,
  rtpPorts: [42_000, 44_000],
});
const heard: number[][] = [];
const back = new Int16Array(160).fill(2 * LOUD);
await bot.start();

process.on('message', async (message: ToBot) => {
  if (message.type === 'dial') {
    await Promise.all(
      Array.from({ length: message.calls }, async (_, i) => {
        const times: number[] = [];
        heard[i] = times;
        const call = await bot.dial(`sip:${i}@${HOST}:${message.port}`);
        call.audio.on(
          'frame',
          ({ samples }) => {
            if (Math.abs(samples[samples.length >> 1]!) < LOUD) return;
            const at = now();
            if (at - (times.at(-1) ?? 0) < APART_MS) return;
            call.audio.write(back);
            times.push(at);
          },
          { borrow: true },
        );
      }),
    );
    tell({ type: 'dialled' });
    return;
  }
  const buffers = [...bot.calls.values()].map((call) => call.stats()?.bufferDelayMs ?? 0).sort((a, b) => a - b);
  tell({ type: 'heard', heard, bufferMs: buffers[buffers.length >> 1] ?? 0 });
  await bot.stop();
  process.exit(0);
});
tell({ type: 'ready' });
