/** `call.say` and `call.listen` with a recogniser and a voice of services: a whole conversation on a turned clock. */
import { expect, test } from 'vitest';
import { DeepgramSpeechToText, ElevenLabsTextToSpeech, type Listened, type Said, SipBot } from '../../../src/index.js';
import { ManualClock, MemoryNetwork, TestCaller, TestSpeech } from '../../../src/testing.js';
import { FakeService } from '../wire/fake-service.js';

const speech = new TestSpeech(['hello', 'how', 'can', 'I', 'help', 'support', 'one', 'moment']);

test('a question by ElevenLabs’ voice, the answer by Deepgram’s ear, and what of the next sentence was heard', async () => {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 1 });
  const ear = new FakeService();
  ear.onConnection = (connection) => {
    let bytes = 0;
    connection.onMessage = (message) => {
      if (typeof message !== 'string') bytes += message.length;
      else if (message.includes('Finalize')) {
        const channel = { alternatives: [{ transcript: bytes > 6400 ? 'support' : '', confidence: 0.9 }] };
        queueMicrotask(() => connection.say({ type: 'Results', channel, is_final: true, from_finalize: true }));
      } else if (message.includes('CloseStream')) queueMicrotask(() => connection.lose(1000));
    };
  };
  const mouth = new FakeService();
  mouth.onConnection = (connection) => {
    connection.onMessage = (message) => {
      const { text } = JSON.parse(message as string) as { text: string };
      if (text.trim() !== '') {
        const samples = speech.samples(text.replace(/[^\w ]/g, ''));
        const audio = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString('base64');
        queueMicrotask(() => connection.say({ audio }));
      } else if (text === '') queueMicrotask(() => connection.say({ isFinal: true }));
    };
  };
  const services = { apiKey: 'k', clock };
  const bot = new SipBot({
    clock,
    network,
    codecs: ['pcmu'],
    speech: {
      voice: new ElevenLabsTextToSpeech({ ...services, voice: 'v', connect: mouth.connect }),
      recogniser: new DeepgramSpeechToText({ ...services, connect: ear.connect }),
    },
  });
  let heard: Listened | undefined;
  let said: Said | undefined;
  bot.on('call', async (call) => {
    await call.answer();
    heard = await call.ask('Hello how can I help?');
    said = await call.say('One moment. One moment. One moment.').done;
  });
  await bot.start();
  const caller = new TestCaller({ clock, network });
  const call = await caller.call(bot);
  await call.wait(2000);
  await call.say(speech.samples('support'));
  await call.wait(4000);
  expect(heard).toMatchObject({ ended: 'speech', text: 'support' });
  expect(said).toMatchObject({ outcome: 'completed', heard: 'One moment. One moment. One moment.' });
  await call.hangup();
  await caller.stop();
  await caller.until(bot.stop());
  // Nothing is left with the services either.
  expect(mouth.connections.map(({ closedWith }) => closedWith)).toEqual(Array(mouth.connections.length).fill(1000));
  expect(clock.pending).toBe(0);
});
