/** Calls with SIPp, 3.6 and 3.8: its own scenarios as they come, over UDP, TCP and TLS; its echo and its streams as audio. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { encoder } from '../../src/codec/registry.js';
import { renderTone } from '../../src/codec/tones.js';
import { sineTone } from '../../src/index.js';
import { UserAgent } from '../../src/sip/ua/user-agent.js';
import { answered, as, test as base, Ear, endOf, expectEcho, expectTone, HERE, nextCall, peers, type TestBot } from './line.js';
import { makeCertificates } from './peers/asterisk.js';
import { freePort } from './peers/loopback.js';
import { at, here, until } from './peers/process.js';
import { type SippRun, type SippVersion, sipp as start } from './peers/sipp.js';

type Start = (version: SippVersion, args: readonly string[]) => { readonly done: Promise<SippRun> };

const test = base.extend<{ sipp: Start }>({
  // biome-ignore lint/correctness/noEmptyPattern: what a fixture depends on is read from its pattern
  sipp: async ({}, use) => {
    const runs: ReturnType<typeof start>[] = [];
    await use((version, args) => {
      const run = start(version, join(peers.work, 'sipp'), args);
      runs.push(run);
      return run;
    });
    for (const run of runs) run.stop();
  },
});

const scenario = (name: string): string => join(here, 'sipp', name);

/** A scenario that streams two seconds of 1 kHz: bare PCMA, as SIPp wants it. */
function streamScenario(): string {
  const folder = join(peers.work, 'sipp');
  mkdirSync(folder, { recursive: true });
  const samples = renderTone(sineTone(1000, 2000), 8000);
  const bytes = new Uint8Array(samples.length);
  encoder('pcma').encode(samples, samples.length, bytes, 0);
  writeFileSync(join(folder, 'tone.alaw'), bytes);
  const path = join(folder, 'uac_stream.xml');
  writeFileSync(path, readFileSync(scenario('uac_stream.xml'), 'utf8').replace('@FILE@', join(folder, 'tone.alaw')));
  return path;
}

const portOf = (bot: TestBot, transport: string): number => bot.addresses.find((address) => address.transport === transport)!.port;

for (const [version, isThere, own] of [
  ['3.6', peers.sipp36, 40],
  ['3.8', peers.sipp38, 50],
] as const satisfies readonly (readonly [SippVersion, boolean, number])[]) {
  describe.concurrent(`SIPp ${version}`, { skip: !isThere }, () => {
    const transports = version === '3.6' ? (['udp', 'tcp'] as const) : (['udp', 'tcp', 'tls'] as const);
    const flags = (transport: 'udp' | 'tcp' | 'tls', host: string): string[] => {
      if (transport === 'udp') return ['-t', 'u1'];
      if (transport === 'tcp') return ['-t', 't1'];
      const folder = join(peers.work, 'sipp-keys', host);
      makeCertificates(folder, host);
      return ['-t', 'l1', '-tls_cert', join(folder, 'server.crt'), '-tls_key', join(folder, 'server.key')];
    };

    for (const [i, transport] of transports.entries()) {
      test(`call out over ${transport}: the uas scenario, and its echo`, async ({ bot, sipp }) => {
        const host = at(own + i);
        const uas = sipp(version, [
          ...['-sn', 'uas', '-i', host, '-p', '5060', '-mi', host, '-mp', '36000', '-rtp_echo', '-m', '1', ...flags(transport, host)],
        ]);
        const us = await bot(transport === 'tls' ? { tls: { ca: readFileSync(join(peers.work, 'sipp-keys', host, 'ca.crt')) } } : {});
        const call = await dialled(us, `sip:service@${host}:5060;transport=${transport}`);
        expect([call.codec, call.remote?.transport]).toEqual(['pcmu', transport]);
        await expectEcho(call);
        await call.hangup();
        const { exitCode, errors } = await uas.done;
        expect(exitCode, errors).toBe(0);
      });

      test(`call in over ${transport}: the uac scenario, they hang up`, async ({ bot, sipp }) => {
        const from = at(own + 5 + i);
        const folder = join(peers.work, 'sipp-keys', HERE);
        if (transport === 'tls') makeCertificates(folder, HERE);
        const us = await bot({
          listen: [{ transport, host: HERE }],
          ...(transport === 'tls'
            ? { tls: { cert: readFileSync(join(folder, 'server.crt')), key: readFileSync(join(folder, 'server.key')) } }
            : {}),
        });
        const incoming = answered(nextCall(us));
        const uac = sipp(version, [
          ...[
            '-sn',
            'uac',
            `${HERE}:${portOf(us, transport)}`,
            '-i',
            from,
            '-d',
            '1000',
            '-m',
            '1',
            '-s',
            'bot',
            ...flags(transport, from),
          ],
        ]);
        const call = await incoming;
        expect(call.remote?.transport).toBe(transport);
        expect(await endOf(call)).toMatchObject({ reason: 'hangup', by: 'remote', status: 200 });
        const { exitCode, errors } = await uac.done;
        expect(exitCode, errors).toBe(0);
      });
    }

    test('call in with streamed audio: we hear what it plays', async ({ bot, sipp }) => {
      const from = at(own + 9);
      const us = await bot();
      const incoming = nextCall(us);
      const uac = sipp(version, [
        ...['-sf', streamScenario(), `${HERE}:${portOf(us, 'udp')}`, '-i', from, '-mi', from, '-m', '1', '-s', 'bot'],
      ]);
      const call = await answered(incoming);
      const ear = new Ear(call);
      const ended = endOf(call);
      await ear.hears(1000, 1500);
      expectTone(ear.heard, 1000);
      expect(await ended).toMatchObject({ reason: 'hangup', by: 'remote' });
      const { exitCode, errors } = await uac.done;
      expect(exitCode, errors).toBe(0);
    });

    test('call in through a record-routing proxy (uac_rr)', { skip: peers.kamailio === undefined }, async ({ bot, sipp }) => {
      const peer = peers.kamailio!;
      const user = version === '3.6' ? '7006' : '7007';
      const us = await bot(as(peer, user, { register: true }));
      const incoming = answered(nextCall(us));
      const uac = sipp(version, [
        ...['-sf', scenario('uac_rr.xml'), `${peer.host}:${peer.port}`, '-i', at(own + 8), '-d', '500', '-m', '1', '-s', user],
      ]);
      expect(await endOf(await incoming)).toMatchObject({ reason: 'hangup', by: 'remote' });
      const { exitCode, errors } = await uac.done;
      expect(exitCode, errors).toBe(0);
    });

    test('call out through a record-routing proxy (uas_rr)', { skip: peers.kamailio === undefined }, async ({ bot, sipp }) => {
      const peer = peers.kamailio!;
      const [user, callee] = version === '3.6' ? ['7006', '7008'] : ['7007', '7009'];
      const host = at(own + 7);
      const uas = sipp(version, [
        ...['-sf', scenario('uas_rr.xml'), '-i', host, '-p', '5060', '-mi', host, '-mp', '36300', '-rtp_echo', '-m', '1'],
      ]);
      const us = await bot(as(peer, user));
      await register(callee, `sip:${callee}@${host}:5060`);
      const call = await dialled(us, `sip:${callee}@${peer.host}:${peer.port}`);
      await expectEcho(call);
      await call.hangup();
      const { exitCode, errors } = await uas.done;
      expect(exitCode, errors).toBe(0);
    });

    test('call out over IPv6: the uas scenario, and its echo', async ({ bot, sipp }) => {
      const [port, mediaPort] = await Promise.all([freePort('::1'), freePort('::1')]);
      const uas = sipp(version, [
        ...['-sn', 'uas', '-i', '::1', '-p', String(port), '-mi', '::1', '-mp', String(mediaPort), '-rtp_echo', '-m', '1'],
      ]);
      const us = await bot({ listen: [{ transport: 'udp', host: '::1' }], rtpHost: '::1' });
      const call = await dialled(us, `sip:service@[::1]:${port}`);
      await expectEcho(call);
      await call.hangup();
      const { exitCode, errors } = await uas.done;
      expect(exitCode, errors).toBe(0);
    });
  });
}

/** SIPp does not register: the proxy is told for it. */
async function register(user: string, contact: string): Promise<void> {
  const peer = peers.kamailio!;
  const agent = new UserAgent({ listen: [{ transport: 'udp', host: HERE }] });
  await agent.start();
  const aor = `sip:${user}@${peer.host}`;
  const response = await agent.request({
    method: 'REGISTER',
    uri: `sip:${peer.host}:${peer.port}`,
    from: aor,
    to: aor,
    credentials: { user, password: `pw${user}` },
    headers: [['Contact', `<${contact}>`]],
  });
  await agent.close();
  expect(response.status).toBe(200);
}

/** SIPp takes a moment before it listens: over TCP, a refused connection is tried again. */
async function dialled(us: TestBot, target: string) {
  let call: Awaited<ReturnType<TestBot['dial']>> | undefined;
  let failure: unknown;
  await until('SIPp answers', async () => {
    try {
      call = await us.dial(target);
      return true;
    } catch (error) {
      failure = error;
      return false;
    }
  }).catch(() => {
    throw failure;
  });
  return call!;
}
