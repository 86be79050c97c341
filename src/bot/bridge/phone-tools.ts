/** What a language model may do to the call it is in: transfer it, hang up, press keys. Each names what it takes, and is bounded by the application. */

import type { Call } from '../call.js';
import { asJson, type Json, text } from '../wire/json.js';

export interface ToolCall {
  readonly call: Call;
  /** What the model passed, parsed. */
  readonly input: Json;
  /** Resolves when the caller has heard all that was said. */
  readonly spoken: () => Promise<void>;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of what it takes. @default nothing */
  readonly parameters?: object;
  /** What it returns or resolves with is told to the model as JSON; what it throws, as an error. */
  run(call: ToolCall): unknown;
  /** Should the model speak about the result? @default true */
  readonly replies?: boolean;
}

/** To people and places that the application names, and to nobody else: a model must not be talked into dialling a premium number. */
export function transferTool(targets: Readonly<Record<string, string>>): Tool {
  const names = Object.keys(targets);
  return {
    name: 'transfer_call',
    description: 'Transfers the caller. Say so first.',
    parameters: { type: 'object', properties: { to: { type: 'string', enum: names } }, required: ['to'], additionalProperties: false },
    async run({ call, input, spoken }) {
      const name = text(input, 'to');
      const target = name !== undefined && Object.hasOwn(targets, name) ? targets[name] : undefined;
      if (target === undefined) throw new Error(`"to" must be one of ${names.join(', ')}`);
      await spoken();
      return call.transfer(target);
    },
  };
}

export function hangupTool(): Tool {
  return {
    name: 'hang_up',
    description: 'Ends the call. Say good-bye first.',
    replies: false,
    async run({ call, spoken }) {
      await spoken();
      await call.hangup();
    },
  };
}

export function digitsTool(): Tool {
  return {
    name: 'send_digits',
    description: 'Presses keys of the telephone, for menus at the far end.',
    parameters: {
      type: 'object',
      properties: { digits: { type: 'string', pattern: '^[0-9*#A-D]{1,32}$' } },
      required: ['digits'],
      additionalProperties: false,
    },
    async run({ call, input }) {
      const digits = text(input, 'digits') ?? '';
      if (!/^[0-9*#A-D]{1,32}$/.test(digits)) throw new Error('"digits" must be 1 to 32 of 0-9 * # A-D');
      await call.sendDtmf(digits);
      return { sent: digits };
    },
  };
}

/** Runs it; what comes back is for the model, whatever happened. */
export async function runTool(tool: Tool, call: ToolCall): Promise<unknown> {
  try {
    return (await tool.run(call)) ?? { done: true };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** Undefined: the model passed something that is no object. */
export function readInput(written: string): Json | undefined {
  try {
    return asJson(JSON.parse(written === '' ? '{}' : written));
  } catch {
    return undefined;
  }
}

/** For a model to read; what JSON cannot say is said in words. */
export function asText(result: unknown): string {
  try {
    return JSON.stringify(result) ?? String(result);
  } catch {
    return JSON.stringify({ error: 'the result cannot be written as JSON' });
  }
}
