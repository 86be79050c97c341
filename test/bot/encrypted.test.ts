/** What is secret stays secret: no clear packet where SRTP is required, and a word where its keys could be read by others. */
import { expect, test } from 'vitest';
import { audible, hostOf, World } from './support/world.js';

const TARGET = `sip:bot@${hostOf(2)}`;
/** A packet of G.711 with its header; the tag of SRTP makes it longer. */
const CLEAR_BYTES = 172;

/** Every datagram between media ports, by length. */
function media(world: World): number[] {
  const lengths: number[] = [];
  const { onDatagram } = world.network;
  world.network.onDatagram = (bytes, from, to) => {
    onDatagram?.(bytes, from, to);
    if (from.port !== 5060 && to.port !== 5060 && from.port % 2 === 0) lengths.push(bytes.length);
  };
  return lengths;
}

test.each([
  ['required', 'off'],
  ['off', 'required'],
] as const)('srtp %s calls srtp %s: 488, and not one packet', async (ours, theirs) => {
  const world = new World();
  const packets = media(world);
  const [caller, callee] = [await world.bot(1, { srtp: ours, codecs: ['pcmu'] }), await world.bot(2, { srtp: theirs, codecs: ['pcmu'] })];
  callee.on('call', (call) => call.answer());
  expect(await world.failure(caller.dial(TARGET))).toMatchObject({ status: 488 });
  await world.run(1000);
  expect(packets).toEqual([]);
  await world.close();
});

test.each([
  ['required', 'accept'],
  ['accept', 'required'],
] as const)('srtp %s calls srtp %s: SRTP or nothing', async (ours, theirs) => {
  const world = new World();
  const packets = media(world);
  const [caller, callee] = [await world.bot(1, { srtp: ours, codecs: ['pcmu'] }), await world.bot(2, { srtp: theirs, codecs: ['pcmu'] })];
  callee.on('call', (call) => call.answer());
  if (ours === 'accept') {
    expect(await world.failure(caller.dial(TARGET))).toMatchObject({ status: 488 });
    expect(packets).toEqual([]);
  } else {
    const [a, b] = await world.talking(caller, 2);
    expect(await audible(world, a, b)).toBe('hears/hears');
    expect(packets.length).toBeGreaterThan(100);
    expect(Math.min(...packets)).toBeGreaterThan(CLEAR_BYTES);
  }
  await world.close();
});

test('keys over UDP are worth a warning, one for all calls; without SRTP there is none', async () => {
  const world = new World();
  const [caller, callee] = [await world.bot(1, { srtp: 'optional' }), await world.bot(2)];
  callee.on('call', (call) => call.answer());
  const said = (): number => world.warnings.filter((line) => /SRTP keys .* over udp in the clear/.test(line)).length;
  for (let i = 0; i < 3; i++) await world.talking(caller, 2);
  expect(said()).toBe(2);
  const quiet = new World();
  const [plain, other] = [await quiet.bot(1, { srtp: 'off' }), await quiet.bot(2)];
  other.on('call', (call) => call.answer());
  await quiet.talking(plain, 2);
  expect(quiet.warnings).toEqual([]);
  await world.close();
  await quiet.close();
});
