/** Callers of the offline receptionist: what they say is spoken by flite's other voice, and understood by pocketsphinx. */
import { receptionist } from '../../examples/offline/receptionist.js';
import { offlineSpeech } from '../../examples/offline/speech.js';
import { SipBot } from '../../src/bot.js';
import { type CallerScript, type ConverseOptions, heldSpeech, realClock } from '../../src/testing.js';

const MESSAGES = [
  'Please call me back on Tuesday.',
  'This is Ann. My number is five five five one two.',
  'I will be late tomorrow.',
] as const;

export function receptionistConversations(): Pick<ConverseOptions, 'bot' | 'scripts' | 'voice'> & { close(): Promise<void> } {
  const { voice, otherVoice, recogniser, close } = offlineSpeech();
  if (otherVoice === undefined || recogniser === undefined) throw new Error('flite and pocketsphinx are not installed: npm ci');
  return {
    bot: (options, clock) => {
      const bot = new SipBot({ ...options, speech: heldSpeech(clock, { voice, recogniser }) });
      bot.on('call', async (call) => {
        await call.answer();
        await receptionist(call, { folder: '', keep: async () => {}, now: () => new Date(2026, 0, 5, 10, 25) });
      });
      return bot;
    },
    scripts,
    // What the callers say is made before the clock turns on: they wait for it.
    voice: heldSpeech(realClock, { voice: otherVoice }).voice,
    close,
  };
}

const scripts: Readonly<Record<string, CallerScript>> = {
  'leaves a message': async (caller) => {
    await caller.untilDone();
    await caller.say(caller.choose('Message.', 'Leave a message.'));
    await caller.untilDone({ pauseMs: 500 });
    // Kept as sound: nobody tries to understand it.
    await caller.say(caller.choose(...MESSAGES), '');
    await caller.untilDone();
    await caller.say('Goodbye.');
    await caller.ended();
  },
  'asks for the time, at once': async (caller) => {
    await caller.interrupt(caller.choose('Time.', 'What time is it?'), { afterMs: 700 + 1500 * caller.random.fraction() });
    await caller.untilDone();
    await caller.say('Goodbye.');
    await caller.ended();
  },
  'coughs, then keys': async (caller) => {
    await caller.cough({ afterMs: 800 + 1000 * caller.random.fraction() });
    await caller.untilDone();
    await caller.press('2');
    await caller.untilDone();
    await caller.press('9');
    await caller.ended();
  },
  'wants a person, and nobody is there': async (caller) => {
    await caller.untilDone();
    await caller.say('Operator.');
    await caller.untilDone();
    await caller.say('Goodbye.');
    await caller.ended();
  },
  'says nothing at first': async (caller) => {
    await caller.untilDone();
    await caller.wait(5500);
    await caller.untilDone();
    await caller.say('Echo test.');
    await caller.untilDone();
    await caller.press('#');
    await caller.untilDone();
    await caller.say('Goodbye.');
    await caller.ended();
  },
};
