/** Asks an HTTP server what to do with each call: { "action": "reject", "status": 486 } | { "action": "play", "file": … } | { "action": "transfer", "to": … }. */
import { type Call, SipBot, type SipBotOptions } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

interface Order {
  readonly action: 'reject' | 'play' | 'transfer';
  readonly status?: number;
  readonly file?: string;
  readonly to?: string;
}

export function webhook(url: string, options: SipBotOptions): SipBot {
  const bot = new SipBot(options);
  bot.on('call', async (call) => {
    const order = await ask(url, call);
    if (order.action === 'reject') return call.reject(order.status ?? 486);
    await call.answer();
    if (order.action === 'play' && order.file !== undefined) await call.play(order.file).done;
    if (order.action === 'transfer' && order.to !== undefined) await call.transfer(order.to, { fallback: 'bridge' });
    else await call.hangup();
  });
  return bot;
}

async function ask(url: string, call: Call): Promise<Order> {
  const body = JSON.stringify({ id: call.id, from: call.from.uri, to: call.requestUri });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(3000),
  });
  return (await response.json()) as Order;
}

if (isMain(import.meta.url)) await run(webhook(process.argv[2] ?? 'http://127.0.0.1:8080/call', fromEnvironment()));
