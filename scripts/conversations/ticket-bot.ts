/** A bot to converse with, in the twenty words of `TestSpeech`: asks what one wants, reads tickets out until it is interrupted, takes a number, says good-bye. */
import { type Call, SipBot, type SipBotOptions } from '../../src/bot.js';
import { type CallerScript, TestSpeech } from '../../src/testing.js';

const DIGITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'] as const;
export const words = new TestSpeech([...DIGITS, 'hello', 'sales', 'support', 'ticket', 'yes', 'no', 'please', 'stop', 'goodbye', 'again']);
export const LIST = 'Ticket one two three. Ticket four five six. Ticket seven eight nine. Ticket zero one two.';

export function ticketBot(options: SipBotOptions): SipBot {
  const bot = new SipBot({ ...options, codecs: ['pcmu'], speech: { voice: words, recogniser: words } });
  bot.on('call', async (call) => {
    await call.answer();
    await tickets(call);
    await call.hangup();
  });
  return bot;
}

async function tickets(call: Call): Promise<void> {
  const where = await call.ask('Hello. Sales? Support? Please.', {
    timeoutMs: 3000,
    reprompts: ['Again please. Sales? Support?', 'Sales? Support?'],
    accept: ({ text }) => /sales|support/.test(text),
  });
  if (where.ended !== 'speech') return;
  // Until somebody says stop; whatever else was said is asked for again.
  const listing = call.say(LIST);
  const stopped = await call.listen({ timeoutMs: 1500 });
  await listing.done;
  if (stopped.ended === 'hangup') return;
  const number = await call.ask('Ticket please.', { maxKeys: 3, timeoutMs: 4000, reprompts: ['Ticket again please.'] });
  if (number.ended === 'hangup') return;
  const said = number.keys === '' ? number.text : [...number.keys].map((key) => DIGITS[Number(key)]).join(' ');
  await call.ask(`Ticket ${said}. Yes? No?`, { timeoutMs: 3000, reprompts: ['Yes? No?'] });
  await call.say('Goodbye.', { interruptible: false }).done;
}

/** What callers do to it. Each speaks when the bot has ended, but for one thing of its own. */
export const ticketScripts: Readonly<Record<string, CallerScript>> = {
  polite: async (caller) => {
    await caller.untilDone();
    await caller.say(caller.choose('sales', 'support'));
    await caller.untilDone({ pauseMs: 900 });
    await caller.untilDone();
    await caller.say(digits(caller));
    await caller.untilDone();
    await caller.say('yes');
    await caller.ended();
  },
  hasty: async (caller) => {
    await caller.interrupt(caller.choose('sales please', 'support please'), { afterMs: 400 + 600 * caller.random.fraction() });
    await caller.interrupt('stop stop', { afterMs: 500 + 2000 * caller.random.fraction() });
    await caller.untilDone();
    await caller.say(digits(caller));
    await caller.interrupt('yes', { afterMs: 400 + 300 * caller.random.fraction() });
    await caller.ended();
  },
  coughing: async (caller) => {
    await caller.untilDone();
    await caller.say(caller.choose('sales', 'support'));
    await caller.cough({ afterMs: 500 + 1000 * caller.random.fraction() });
    await caller.wait(600);
    await caller.cough();
    await caller.untilDone({ pauseMs: 900 });
    await caller.untilDone();
    await caller.say(digits(caller));
    await caller.untilDone();
    await caller.say('yes');
    await caller.ended();
  },
  silent: async (caller) => {
    await caller.untilDone();
    await caller.wait(3500);
    await caller.untilDone();
    await caller.say('support');
    await caller.interrupt('stop', { afterMs: 1000 });
    await caller.untilDone();
    await caller.wait(6000);
    await caller.hangup();
  },
  keys: async (caller) => {
    await caller.untilDone();
    await caller.say('sales');
    await caller.interrupt('stop', { afterMs: 700 + 1000 * caller.random.fraction() });
    await caller.untilDone();
    await caller.press([0, 1, 2].map(() => Math.floor(10 * caller.random.fraction())).join(''));
    await caller.untilDone();
    await caller.say('yes');
    await caller.ended();
  },
  'on a bad line': async (caller) => {
    caller.background('line', 40 + 80 * caller.random.fraction());
    await ticketScripts['polite']!(caller);
  },
  'in a crowd': async (caller) => {
    caller.background('babble', 60 + 100 * caller.random.fraction());
    await ticketScripts['polite']!(caller);
  },
};

function digits(caller: Parameters<CallerScript>[0]): string {
  return [0, 1, 2].map(() => caller.choose(...DIGITS)).join(' ');
}
