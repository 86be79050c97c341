import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DtmfMerge, parseDtmfRelay, writeDtmfRelay } from '../../src/session/dtmf-relay.js';

describe('DTMF in INFO', () => {
  test.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', '5', 160],
    ['application/dtmf-relay', 'Signal= 5\r\nDuration= 250\r\n', '5', 250],
    ['Application/DTMF-Relay; charset=utf-8', 'signal=*\nduration=100', '*', 100],
    ['application/dtmf-relay', 'Duration=90\r\nSignal=#', '#', 90],
    ['application/dtmf-relay', 'Signal=11\r\n', '#', 0],
    ['application/dtmf-relay', 'Signal=d\r\n', 'D', 0],
    ['application/dtmf', '7', '7', 0],
    ['application/dtmf', '*\r\n', '*', 0],
    ['application/dtmf', '10', '*', 0],
  ])('%s %j is the key %s for %i ms', (type, body, digit, durationMs) => {
    expect(parseDtmfRelay(type, body)).toEqual({ digit, durationMs });
  });

  test.each([
    ['application/dtmf-relay', ''],
    ['application/dtmf-relay', 'Signal=\r\nDuration=160'],
    ['application/dtmf-relay', 'Signal=16'],
    ['application/dtmf-relay', 'Signal=%'],
    ['application/dtmf-relay', `Signal=5${' '.repeat(1000)}`],
    ['application/dtmf', '12345'],
    ['application/dtmf', ''],
    ['text/plain', '5'],
  ])('%s %j is none', (type, body) => {
    expect(parseDtmfRelay(type, body)).toBeUndefined();
  });

  test('what is written is read', () => {
    for (const digit of ['0', '9', '*', '#', 'A', 'D'] as const) {
      const { contentType, body } = writeDtmfRelay(digit, 160);
      expect(parseDtmfRelay(contentType, body)).toEqual({ digit, durationMs: 160 });
    }
  });

  test('any text is a key or none, never a throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
        (text) => {
          const found = parseDtmfRelay('application/dtmf-relay', text);
          expect(found === undefined || found.digit.length === 1).toBe(true);
        },
      ),
    );
  });
});

describe('one key, one event', () => {
  function presses(...steps: [number, '5' | '6', 'info' | 'telephone-event'][]): boolean[] {
    const merge = new DtmfMerge();
    return steps.map(([now, digit, way]) => merge.isNew(digit, way, now));
  }

  test('the same press by two ways', () => {
    expect(presses([0, '5', 'telephone-event'], [150, '5', 'info'])).toEqual([true, false]);
    expect(presses([0, '5', 'info'], [150, '5', 'telephone-event'])).toEqual([true, false]);
  });

  test('twice in a hurry, by two ways', () => {
    expect(presses([0, '5', 'telephone-event'], [50, '5', 'info'], [300, '5', 'telephone-event'], [350, '5', 'info'])).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(presses([0, '5', 'telephone-event'], [300, '5', 'telephone-event'], [310, '5', 'info'], [350, '5', 'info'])).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('two keys are two, and by one way every press counts', () => {
    expect(presses([0, '5', 'info'], [50, '6', 'telephone-event'])).toEqual([true, true]);
    expect(presses([0, '5', 'info'], [200, '5', 'info'], [400, '5', 'info'])).toEqual([true, true, true]);
  });

  test('after two seconds of quiet it is a new press, whichever way', () => {
    expect(presses([0, '5', 'telephone-event'], [2500, '5', 'info'])).toEqual([true, true]);
  });
});
