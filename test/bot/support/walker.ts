/** An application that does anything with its calls, in any order: what it may be told is a refusal, and nothing else. */
import type { Call } from '../../../src/bot/call.js';
import { EchoBot } from '../../../src/bot/echo-bot.js';
import type { SipBot } from '../../../src/bot/sip-bot.js';
import { hostOf, log, tone } from './world.js';

const inCall = {
  ring: (call) => call.ring(),
  progress: (call) => call.progress(),
  'progress, unreliably': (call) => call.progress({ reliable: 'never' }),
  answer: (call) => call.answer(),
  'answer with a bot': (call) => call.answer({ bot: new EchoBot() }),
  reject: (call) => call.reject(486),
  redirect: (call) => call.redirect('sip:9@10.0.0.9'),
  hold: (call) => call.hold(),
  resume: (call) => call.resume(),
  dtmf: (call) => call.sendDtmf('12'),
  message: (call) => call.message('hello'),
  write: (call) => call.audio.write(tone(400, 300)),
  clear: (call) => call.audio.clear(),
  play: (call) => call.play(tone(500, 400), { interruptOn: ['dtmf'] }),
  loop: (call) => call.play(tone(600, 100), { mode: 'mix', loop: true }),
  replace: (call) => call.play(tone(700, 100), { mode: 'replace' }),
  gather: (call) => call.gather({ max: 1, timeoutMs: 500 }),
  drained: (call) => call.audio.drained(),
  bridge: (call, others) => others[0] && call.bridge(others[0]),
  'transfer to nobody': (call) => call.transfer('sip:nobody@10.0.0.9'),
  'transfer to the other bot': (call) => call.transfer(`sip:x@${hostOf(call.remote?.address === hostOf(1) ? 1 : 2)}`),
  'attended transfer': (call, others) => others[0] && call.transfer(others[0]),
  'transfer or bridge': (call) => call.transfer('sip:nobody@10.0.0.9', { fallback: 'bridge' }),
  hangup: (call) => call.hangup(),
} satisfies Record<string, (call: Call, others: readonly Call[]) => unknown>;
export const actions = ['dial', 'dial and abort', ...(Object.keys(inCall) as (keyof typeof inCall)[])] as const;
export type Action = (typeof actions)[number];

/** What an application may be told when it asks for what cannot be done now. */
const refusals = /^(ERR_STATE|ERR_CALL_\w+|ERR_REQUEST|ERR_MEDIA|ERR_PORTS|ERR_OPTION|ERR_TIMEOUT)$/;
const MAX_CALLS = 3;

export class Walker {
  readonly calls: Call[] = [];
  readonly logs: string[][] = [];
  readonly failures: unknown[] = [];
  readonly #bot: SipBot;
  readonly #peer: string;

  constructor(bot: SipBot, peer: string) {
    this.#bot = bot;
    this.#peer = peer;
    bot.on('call', (call) => this.#watch(call));
    bot.on('error', (error) => this.failures.push(error));
  }

  /** Does it to the latest call that is still there. */
  act(action: Action): void {
    const open = this.calls.filter((call) => call.state !== 'ended');
    if (action === 'dial' || action === 'dial and abort') {
      if (open.length >= MAX_CALLS) return;
      const abort = new AbortController();
      this.#attempt(() => this.#bot.dial(this.#peer, { signal: abort.signal, onCall: (call) => this.#watch(call) }));
      if (action === 'dial and abort') queueMicrotask(() => abort.abort());
      return;
    }
    const call = open.at(-1);
    if (call !== undefined) this.#attempt(() => inCall[action](call, open.slice(0, -1)));
  }

  #watch(call: Call): void {
    if (this.calls.includes(call)) return;
    this.calls.push(call);
    this.logs.push(log(call));
    call.on('transferRequest', (request) => {
      const next = request.accept();
      if (next !== undefined) this.#watch(next);
    });
  }

  #attempt(work: () => unknown): void {
    const check = (error: unknown): void => {
      if (!refusals.test((error as { code?: string }).code ?? '')) this.failures.push(error);
    };
    try {
      void Promise.resolve(work()).catch(check);
    } catch (error) {
      check(error);
    }
  }
}
