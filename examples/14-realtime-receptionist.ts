/** A receptionist made of OpenAI's Realtime API: greets, answers, looks things up, transfers, says good-bye and hangs up. Wants OPENAI_API_KEY. */
import { hangupTool, OpenAiRealtime, type OpenAiRealtimeOptions, SipBot, type SipBotOptions, type Tool, transferTool } from 'sipbot';
import { fromEnvironment, isMain } from './environment.js';

const hours: Tool = {
  name: 'opening_hours',
  description: 'When the office is open on a day of the week.',
  parameters: { type: 'object', properties: { day: { type: 'string' } }, required: ['day'] },
  run: ({ input }) => ({ day: input['day'], open: /^s/i.test(String(input['day'])) ? 'closed' : '9 to 17' }),
};

export function receptionist(
  service: Pick<OpenAiRealtimeOptions, 'apiKey' | 'connect'>,
  places: Record<string, string>,
  options: SipBotOptions,
  print = console.log,
): SipBot {
  const answer = (): OpenAiRealtime => {
    const model = new OpenAiRealtime({
      ...service,
      instructions: 'You are the receptionist of Example Ltd. Be friendly and brief. Ask before you transfer.',
      greet: 'Greet the caller and ask what you can do.',
      tools: [hours, transferTool(places), hangupTool()],
      session: { audio: { input: { transcription: { model: 'gpt-4o-mini-transcribe' } } } },
    });
    model.on('transcript', ({ who, text }) => print(`${who}: ${text}`));
    model.on('interrupted', ({ heardMs }) => print(`interrupted after ${heardMs} ms`));
    model.on('toolCall', ({ name }) => print(`uses ${name}`));
    return model;
  };
  return new SipBot({ ...options, bot: answer });
}

if (isMain(import.meta.url)) {
  const { OPENAI_API_KEY: apiKey = '', SALES = 'sip:sales@example.com' } = process.env;
  await receptionist({ apiKey }, { sales: SALES }, fromEnvironment()).start();
}
