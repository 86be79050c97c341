/** Keeps the trace of each of a bot's calls as it happens, so that any of them can be written as a picture or a capture afterwards. */
import { parse } from '../sip/message/parse.js';
import { isParseFailure } from '../sip/message/parse-failure.js';
import type { TraceEntry } from '../sip/ua/user-agent-options.js';
import { CallTrace, type CallTraceOptions } from '../trace/call-trace.js';
import type { Call } from './call.js';
import type { SipBot } from './sip-bot.js';

export interface CallTracerOptions extends CallTraceOptions {
  /** Whether RTP and RTCP are kept too. @default 'off' */
  readonly media?: 'off' | 'on';
  /** Calls kept; past it the oldest are forgotten. @default 100 */
  readonly maxCalls?: number;
}

export class CallTracer {
  readonly #bot: SipBot;
  readonly #options: CallTracerOptions;
  readonly #traces = new Map<string, CallTrace>();
  readonly #captured = new Map<string, () => void>();

  /** From now on, calls that begin. */
  constructor(bot: SipBot, options: CallTracerOptions = {}) {
    this.#bot = bot;
    this.#options = options;
    bot.on('trace', this.#onTrace);
  }

  /** By Call-ID, oldest first. A call that comes back to the bot is one trace with itself. */
  get traces(): ReadonlyMap<string, CallTrace> {
    return this.#traces;
  }

  traceOf(call: Call | string): CallTrace | undefined {
    return this.#traces.get(typeof call === 'string' ? call : call.callId);
  }

  /** No more is added; what there is stays. */
  stop(): void {
    this.#bot.off('trace', this.#onTrace);
    for (const stop of this.#captured.values()) stop();
    this.#captured.clear();
  }

  readonly #onTrace = (entry: TraceEntry): void => {
    const message = parse(entry.bytes);
    if (isParseFailure(message) || message.callId === undefined) return;
    const id = message.callId;
    if (!this.#traces.has(id)) {
      if (message.kind !== 'request' || message.method !== 'INVITE') return;
      this.#traces.set(id, new CallTrace(id, this.#options));
      this.#forgetOldest();
    }
    const trace = this.#traces.get(id)!;
    trace.add(entry);
    if (this.#options.media === 'on' && !this.#captured.has(id)) this.#capture(id, trace);
  };

  /** The bot knows the call by the time of its second message, and before its media flows. */
  #capture(id: string, trace: CallTrace): void {
    const call = this.#bot.calls.get(id);
    if (call === undefined) return;
    this.#captured.set(
      id,
      call.capture((packet) => trace.addMedia(packet)),
    );
    call.on('ended', () => this.#captured.delete(id));
  }

  #forgetOldest(): void {
    const { maxCalls = 100 } = this.#options;
    for (const id of this.#traces.keys()) {
      if (this.#traces.size <= maxCalls) return;
      this.#traces.delete(id);
      this.#captured.get(id)?.();
      this.#captured.delete(id);
    }
  }
}
