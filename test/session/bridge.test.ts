import { afterEach, describe, expect, test } from 'vitest';
import { bridgeCalls } from '../../src/session/bridge.js';
import { audible, log, NOTHING_LEFT, type Party, type PartyOptions, settled, talking, Voice, Wire } from './support/party.js';

let wire: Wire;

async function three(...options: PartyOptions[]): Promise<[Party, Party, Party]> {
  wire = new Wire();
  return [await wire.party(1, options[0]), await wire.party(2, options[1]), await wire.party(3, options[2])];
}

afterEach(async () => {
  expect(wire.errors).toEqual([]);
  expect(await wire.close()).toEqual(NOTHING_LEFT);
});

describe('two calls joined', () => {
  test.each([
    [['pcmu'], ['pcmu'], 8000, 8000],
    [['pcmu'], ['g722'], 8000, 16000],
    [['g722'], ['pcma'], 48000, 16000],
    [['l16'], ['pcmu'], 16000, 24000],
  ] as const)('%s and %s, the bot at %i and %i Hz: each hears the other', async (one, other, oneRate, otherRate) => {
    const [alice, bob, carol] = await three();
    const codecsOf = (party: Party, codecs: PartyOptions['codecs'], sampleRate: 8000 | 16000 | 24000 | 48000) =>
      Object.assign(party, { options: { ...party.options, codecs, audio: { sampleRate, frameMs: 20 } } });
    codecsOf(bob, one, 8000);
    codecsOf(alice, one, oneRate);
    const [toBob, atBob] = await talking(alice, bob);
    codecsOf(carol, other, 8000);
    codecsOf(alice, other, otherRate);
    const [toCarol, atCarol] = await talking(alice, carol);
    const bridge = bridgeCalls(toBob, toCarol);
    expect(await audible(wire, atBob, atCarol)).toBe('hears/hears');
    bridge.stop();
    await settled(wire, bridge.done);
    expect(await audible(wire, atBob, atCarol)).toBe('silence/silence');
    expect([toBob.state, toCarol.state]).toEqual(['answered', 'answered']);
    await settled(wire, Promise.all([toBob.hangup(), toCarol.hangup()]));
  });

  test('early media passes: the caller hears the announcement of a call that is not answered yet', async () => {
    const [alice, bob, carol] = await three();
    const [toBob, atBob] = await talking(alice, bob);
    carol.onCall = (third) => void third.progress();
    const toCarol = alice.dial(carol);
    bridgeCalls(toBob, toCarol);
    await wire.run(500);
    expect(toCarol.state).toBe('early');
    expect(await audible(wire, atBob, carol.calls[0]!)).toBe('hears/hears');
    await settled(wire, carol.calls[0]!.answer());
    expect(await audible(wire, atBob, carol.calls[0]!)).toBe('hears/hears');
    await settled(wire, Promise.all([toBob.hangup(), toCarol.hangup()]));
  });

  test('what one side says while the other is held is not heard later', async () => {
    const [alice, bob, carol] = await three();
    const [toBob, atBob] = await talking(alice, bob);
    const [toCarol, atCarol] = await talking(alice, carol);
    const bridge = bridgeCalls(toBob, toCarol, { maxLagMs: 100 });
    await settled(wire, atCarol.hold());
    new Voice(atBob).say(5000);
    await wire.run(6000);
    expect(bridge.droppedMs).toBeGreaterThan(4500);
    const voice = new Voice(atCarol);
    await settled(wire, atCarol.resume());
    await wire.run(2000);
    expect(voice.loud).toBeLessThanOrEqual(8);
    expect(await audible(wire, atBob, atCarol)).toBe('hears/hears');
    await settled(wire, Promise.all([toBob.hangup(), toCarol.hangup()]));
  });

  test('the lag stays small for as long as they talk', async () => {
    const [alice, bob, carol] = await three();
    const [toBob, atBob] = await talking(alice, bob);
    const [toCarol] = await talking(alice, carol);
    const bridge = bridgeCalls(toBob, toCarol);
    new Voice(atBob).say(60_000);
    let worst = 0;
    for (let second = 0; second < 60; second++) {
      await wire.run(1000);
      worst = Math.max(worst, toCarol.stream!.outgoing.queuedSamples / 8);
    }
    expect(worst).toBeLessThanOrEqual(40);
    expect(bridge.droppedMs).toBe(0);
    await settled(wire, Promise.all([toBob.hangup(), toCarol.hangup()]));
  }, 30_000);

  test('a lag that came from elsewhere is made up for where nobody speaks', async () => {
    const [alice, bob, carol] = await three();
    const [toBob] = await talking(alice, bob);
    const [toCarol] = await talking(alice, carol);
    const bridge = bridgeCalls(toBob, toCarol);
    await wire.run(500);
    const { outgoing } = toCarol.stream!;
    outgoing.write(new Int16Array(800));
    await wire.run(1000);
    expect(outgoing.queuedSamples).toBeGreaterThanOrEqual(640);
    await wire.run(6000);
    expect(outgoing.queuedSamples).toBeLessThanOrEqual(320);
    expect(bridge.droppedMs).toBe(0);
    await settled(wire, Promise.all([toBob.hangup(), toCarol.hangup()]));
  });

  test('keys pass, unless they are kept', async () => {
    const [alice, bob, carol] = await three();
    const [toBob, atBob] = await talking(alice, bob);
    const [toCarol, atCarol] = await talking(alice, carol);
    const heard = log(atCarol);
    const bridge = bridgeCalls(toBob, toCarol);
    await settled(wire, atBob.sendDtmf('7'));
    await wire.run(1000);
    bridge.stop();
    bridgeCalls(toBob, toCarol, { dtmf: 'keep' });
    await settled(wire, atBob.sendDtmf('8'));
    await wire.run(1000);
    expect(heard).toEqual(['dtmf 7 telephone-event']);
    await settled(wire, Promise.all([toBob.hangup(), toCarol.hangup()]));
  });

  test.each([
    ['together', 'ended'],
    ['apart', 'answered'],
  ] as const)('%s: when one hangs up, the other is %s', async (hangup, state) => {
    const [alice, bob, carol] = await three();
    const [toBob, atBob] = await talking(alice, bob);
    const [toCarol] = await talking(alice, carol);
    const bridge = bridgeCalls(toBob, toCarol, { hangup });
    await settled(wire, atBob.hangup());
    await settled(wire, bridge.done);
    expect(toCarol.state).toBe(state);
    await settled(wire, toCarol.hangup());
  });
});
