/** AudioSocket with Asterisk 22: its application and its channel at our server, and our bot in Asterisk's place. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { AudioSocket, type AudioSocketCall, AudioSocketServer, type DialOptions } from '../../src/index.js';
import { as, dial, endOf, expectEcho, HERE, peers, test } from './line.js';
import { sleep, until } from './peers/process.js';

const peer = peers.asterisk!;
const UUID = '40325ec2-5efd-4bd3-805f-53576e581d13';

describe('Asterisk 22', { skip: peers.asterisk === undefined }, () => {
  const server = new AudioSocketServer({ host: HERE, port: 0 });
  const calls: AudioSocketCall[] = [];
  let port = 0;
  beforeAll(async () => {
    ({ port } = await server.start());
    server.on('call', (call) => calls.push(call));
  });
  afterAll(() => server.stop());

  const there = (): DialOptions => ({ headers: { 'X-AudioSocket': `${HERE}:${port}` } });

  /** Says back what it hears. */
  const echoing = async (): Promise<AudioSocketCall> => {
    await until('it connects', () => calls.length > 0);
    const call = calls.shift()!;
    call.audio.on('frame', (frame) => void call.audio.write(frame.samples), { borrow: true });
    return call;
  };

  for (const [what, extension] of [
    ['application', '650'],
    ['channel', '651'],
  ] as const) {
    test(`AudioSocket, its ${what}: UUID, sound both ways, keys, our hang-up`, async ({ bot }) => {
      const us = await bot(as(peer, '6058'));
      const [call, echo] = await Promise.all([dial(us, peer, extension, there()), echoing()]);
      expect(echo.id).toBe(UUID);
      const digits: string[] = [];
      echo.on('dtmf', (digit) => digits.push(digit));
      await expectEcho(call);
      await call.sendDtmf('17*#');
      await until('the keys are there', () => digits.length === 4, 5000).catch(() => {});
      expect(digits).toEqual(['1', '7', '*', '#']);
      expect(echo.skippedMs).toBeLessThan(200);
      const ended = endOf(call);
      echo.hangup();
      expect(await ended).toMatchObject({ reason: 'hangup', by: 'remote' });
      await until('nothing is left', () => server.calls.size === 0);
    });
  }

  test('AudioSocket, its application: the caller hangs up', async ({ bot }) => {
    const us = await bot(as(peer, '6058'));
    const [call, echo] = await Promise.all([dial(us, peer, '650', there()), echoing()]);
    const ended = new Promise((resolve) => echo.on('ended', resolve));
    await sleep(300);
    await call.hangup();
    expect(await ended).toMatchObject({ by: 'remote' });
  });

  test('AudioSocket, our bot in its place: sound both ways over real sockets', async ({ bot }) => {
    const bridge = new AudioSocket({ host: HERE, port, uuid: UUID });
    await bot({ ...as(peer, '6059'), register: true, bot: () => bridge });
    const us = await bot(as(peer, '6058'));
    const [call, echo] = await Promise.all([dial(us, peer, '76059'), echoing()]);
    expect(echo.id).toBe(UUID);
    await expectEcho(call);
    const { up, down, connects } = bridge.stats()!;
    expect(connects).toBe(1);
    expect(up.lostMs + down.refusedMs).toBe(0);
    const ended = endOf(call);
    echo.hangup();
    expect(await ended).toMatchObject({ by: 'remote' });
  });
});
