import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CallEnd } from '../../src/session/call-end.js';
import { CallMachine, type CallNews, type CallState } from '../../src/session/call-state.js';

const end: CallEnd = { reason: 'hangup', by: 'local', status: 200, cause: 16 };

const inputs = {
  ringing: (call: CallMachine) => call.onRinging(),
  early: (call: CallMachine) => call.onEarlyMedia(),
  answered: (call: CallMachine) => call.onAnswered(),
  'we hold': (call: CallMachine) => call.onHeld('local'),
  'they hold': (call: CallMachine) => call.onHeld('remote'),
  'we resume': (call: CallMachine) => call.onResumed('local'),
  'they resume': (call: CallMachine) => call.onResumed('remote'),
  end: (call: CallMachine) => call.onEnded(end),
} as const;
type Input = keyof typeof inputs;

/** How each state is come by. */
const ways: Record<string, readonly Input[]> = {
  new: [],
  rung: ['ringing'],
  early: ['early'],
  answered: ['answered'],
  'held by us': ['answered', 'we hold'],
  'held by them': ['answered', 'they hold'],
  'held by both': ['answered', 'we hold', 'they hold'],
  ended: ['end'],
};

function say(news: readonly CallNews[], state: CallState): string {
  const told = news.map((one) => ('by' in one ? `${one.type} ${one.by}` : one.type)).join(', ');
  return `${told || '-'} (${state})`;
}

describe('every state × every input', () => {
  test.each([
    [
      'new',
      [
        'ringing (ringing)',
        'early (early)',
        'answered (answered)',
        '- (ringing)',
        '- (ringing)',
        '- (ringing)',
        '- (ringing)',
        'ended (ended)',
      ],
    ],
    [
      'rung',
      ['- (ringing)', 'early (early)', 'answered (answered)', '- (ringing)', '- (ringing)', '- (ringing)', '- (ringing)', 'ended (ended)'],
    ],
    ['early', ['ringing (early)', '- (early)', 'answered (answered)', '- (early)', '- (early)', '- (early)', '- (early)', 'ended (ended)']],
    [
      'answered',
      [
        '- (answered)',
        '- (answered)',
        '- (answered)',
        'held local (held)',
        'held remote (held)',
        '- (answered)',
        '- (answered)',
        'ended (ended)',
      ],
    ],
    [
      'held by us',
      ['- (held)', '- (held)', '- (held)', '- (held)', 'held remote (held)', 'resumed local (answered)', '- (held)', 'ended (ended)'],
    ],
    [
      'held by them',
      ['- (held)', '- (held)', '- (held)', 'held local (held)', '- (held)', '- (held)', 'resumed remote (answered)', 'ended (ended)'],
    ],
    [
      'held by both',
      ['- (held)', '- (held)', '- (held)', '- (held)', '- (held)', 'resumed local (held)', 'resumed remote (held)', 'ended (ended)'],
    ],
    ['ended', ['- (ended)', '- (ended)', '- (ended)', '- (ended)', '- (ended)', '- (ended)', '- (ended)', '- (ended)']],
  ])('%s', (state, expected) => {
    const found = (Object.keys(inputs) as Input[]).map((input) => {
      const call = new CallMachine();
      for (const step of ways[state]!) inputs[step](call);
      return say(inputs[input](call), call.state);
    });
    expect(found).toEqual(expected);
  });

  test('whatever happens, in whatever order: ended at most once, and nothing after it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...(Object.keys(inputs) as Input[])), { maxLength: 30 }), (steps) => {
        const call = new CallMachine();
        const told = steps.flatMap((step) => inputs[step](call).map((news) => news.type));
        const at = told.indexOf('ended');
        expect(at === -1 ? call.state !== 'ended' : at === told.length - 1).toBe(true);
        expect(told.filter((type) => type === 'answered' || type === 'ringing' || type === 'early').length).toBe(
          new Set(told.filter((type) => type === 'answered' || type === 'ringing' || type === 'early')).size,
        );
      }),
    );
  });
});
