import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SipBot } from '../../src/bot/sip-bot.js';
import { renderTone, sineTone } from '../../src/codec/tones.js';
import { readWav, soundChannel, writeWav } from '../../src/codec.js';
import { systemDatagram } from '../../src/rtp/socket.js';
import { parseStun, writeBindingResponse } from '../../src/sip/transport/stun.js';
import { Heard } from '../../src/testing/heard.js';
import { LocalRegistrar } from '../../src/testing/local-registrar.js';
import { writePcap } from '../../src/trace/pcap.js';
import { alice, bob, sip } from '../trace/captures.js';
import { CaptureTerminal, sipbot } from './capture-terminal.js';

const HOST = '127.0.0.1';
const SECRET = 'hunter2-very-secret';
const folder = mkdtempSync(join(tmpdir(), 'sipbot-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Something to call: echoes. */
async function echoBot(): Promise<{ readonly uri: string; stop(): Promise<void> }> {
  const bot = new SipBot({ listen: [{ transport: 'udp', host: HOST }], rtpHost: HOST, threads: 0 });
  bot.on('call', async (call) => {
    await call.answer();
    call.audio.on('frame', (frame) => void call.audio.write(frame.samples));
  });
  await bot.start();
  return { uri: `sip:echo@${HOST}:${bot.addresses[0]!.port}`, stop: () => bot.stop() };
}

async function registrar(): Promise<LocalRegistrar> {
  const one = new LocalRegistrar({ host: HOST, users: { bot: SECRET } });
  await one.start();
  return one;
}

/** How pure a tone is in the tenth of a second where it is purest. */
function purest(heard: Heard, hz: number): number {
  let best = 0;
  for (let at = 0; at < heard.durationMs; at += 100) best = Math.max(best, heard.part(at, 100).shareOf(hz));
  return best;
}

describe('the command line', () => {
  test('help for all and for each, and what is no command says what there is', async () => {
    const all = await sipbot('--help');
    expect(all.code).toBe(0);
    for (const name of ['demo', 'call', 'register', 'listen', 'trace', 'doctor']) {
      expect(all.out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
      const { code, out } = await sipbot(name, '--help');
      expect([code, out]).toEqual([0, expect.stringContaining(`Usage: sipbot ${name}`)]);
    }
    expect((await sipbot()).code).toBe(2);
    const { code, notes } = await sipbot('dance');
    expect([code, notes]).toEqual([2, expect.stringContaining('demo, call, register')]);
  });

  test.each([
    ['call without a target', ['call'], /target is missing/],
    ['two targets', ['call', 'sip:a@b', 'sip:c@d'], /Only one target/],
    ['an unknown option', ['call', 'sip:a@b', '--lauder'], /--lauder/],
    ['a number that is none', ['call', 'sip:a@b', '--seconds', 'soon'], /--seconds takes a number from/],
    ['a choice that is none', ['call', 'sip:a@b', '--srtp', 'maybe'], /--srtp takes one of off, accept/],
    ['codecs that are none', ['call', 'sip:a@b', '--codecs', 'pcmu,mp3'], /--codecs takes a list of/],
    ['register for nobody', ['register'], /--uri is missing/],
    ['words where none belong', ['listen', 'here'], /options only/],
    ['a range that is none', ['doctor', '--rtp-ports', '5'], /--rtp-ports takes a range/],
    ['an option of SipBot’s own', ['register', '--uri', 'sip:@'], /uri/],
  ])('%s: exit code 2, in words', async (_name, args, words) => {
    const { code, notes } = await sipbot(...args);
    expect(notes).toMatch(words);
    expect(notes).not.toMatch(/ at .*\.ts:/);
    expect(code).toBe(2);
  });
});

describe('sipbot call', () => {
  test('plays a file, presses keys, records both sides, says the figures, hangs up', async () => {
    const echo = await echoBot();
    const tone = join(folder, 'tone.wav');
    writeFileSync(tone, writeWav(renderTone(sineTone(1000, 500), 16_000), { sampleRate: 16_000, channels: 1 }));
    const [wav, svg, pcap] = ['call.wav', 'call.svg', 'call.pcap'].map((name) => join(folder, name)) as [string, string, string];
    const { code, out, notes } = await sipbot(
      ...['call', echo.uri, '--host', HOST, '--play', tone, '--dtmf', '1', '--seconds', '1.2'],
      ...['--record', wav, '--svg', svg, '--pcap', pcap, '--ladder'],
    );
    await echo.stop();
    expect([code, notes]).toEqual([0, expect.stringContaining('answered, in')]);
    expect(out).toMatch(/^\d+ packets sent, \d+ heard, 0 lost, jitter/);
    expect(notes).toMatch(/we hung up/);
    expect(notes).toMatch(/200 OK \(BYE\)/);
    const sound = readWav(readFileSync(wav));
    expect(sound).toMatchObject({ channels: 2 });
    for (const channel of [0, 1]) expect(purest(new Heard(soundChannel(sound, channel), sound.sampleRate), 1000)).toBeGreaterThan(0.9);
    expect(readFileSync(svg, 'utf8')).toContain('INVITE echo');
    const shown = await sipbot('trace', pcap);
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining('200 OK (INVITE) · SDP')]);
    expect(statSync(pcap).size).toBeGreaterThan(50 * 200);
  });

  test('a refusal is exit code 1, with the status and what to look at', async () => {
    const local = await registrar();
    const { code, notes } = await sipbot('call', `sip:nobody@${local.address}`, '--host', HOST);
    await local.close();
    expect([code, notes]).toEqual([1, expect.stringMatching(/404 Not Found.*nobody has that number/)]);
  });

  test('a file that is not there is exit code 1, and the call is hung up', async () => {
    const echo = await echoBot();
    const { code, notes } = await sipbot('call', echo.uri, '--host', HOST, '--play', join(folder, 'none.wav'));
    await echo.stop();
    expect([code, notes]).toEqual([1, expect.stringContaining('none.wav')]);
  });

  test('asked to end while it rings: the call is cancelled, not left ringing', async () => {
    const bot = new SipBot({ listen: [{ transport: 'udp', host: HOST }], rtpHost: HOST, threads: 0 });
    const ended: string[] = [];
    bot.on('call', (call) => {
      call.on('ended', ({ reason }) => ended.push(reason));
      void call.ring();
    });
    await bot.start();
    const terminal = new CaptureTerminal();
    const running = terminal.run('call', `sip:b@${HOST}:${bot.addresses[0]!.port}`, '--host', HOST);
    await terminal.saw(/it rings/);
    terminal.end();
    expect((await running).code).toBe(1);
    await bot.stop();
    expect(ended).toEqual(['cancelled']);
  });
});

describe('sipbot register', () => {
  test('with the password from the environment, which is printed nowhere', async () => {
    const local = await registrar();
    const terminal = new CaptureTerminal({ SIP_URI: `sip:bot@${local.address}`, SIP_PASSWORD: SECRET });
    const { code, out, notes } = await terminal.run('register', '--once', '--ladder', '--host', HOST);
    expect([code, out]).toEqual([0, expect.stringMatching(/is registered for \d+ s/)]);
    expect(notes).toContain('REGISTER');
    expect(out + notes).not.toContain(SECRET);
    expect(local.registrar.size).toBe(0);
    await local.close();
  });

  test('stays until it is asked to end, and then unregisters', async () => {
    const local = await registrar();
    const terminal = new CaptureTerminal();
    const running = terminal.run('register', '--uri', `sip:bot@${local.address}`, '--password', SECRET, '--host', HOST);
    await terminal.saw(/is registered/);
    expect(local.registrar.size).toBe(1);
    terminal.end();
    expect((await running).code).toBe(0);
    expect(local.registrar.size).toBe(0);
    await local.close();
  });

  test('a wrong password is exit code 1 and says what to check, not what it was', async () => {
    const local = await registrar();
    const { code, notes, out } = await sipbot('register', '--uri', `sip:bot@${local.address}`, '--password', 'wrong-word', '--host', HOST);
    await local.close();
    expect([code, notes]).toEqual([1, expect.stringContaining('password')]);
    expect(out + notes).not.toContain('wrong-word');
  });
});

describe('sipbot listen', () => {
  test('takes a call, records it into the folder under a harmless name, ends after so many', async () => {
    const calls = join(folder, 'calls');
    const terminal = new CaptureTerminal();
    const running = terminal.run('listen', '--host', HOST, '--port', '0', '--record', calls, '--echo', '--calls', '1');
    const [, port] = await terminal.saw(/listening on udp 127\.0\.0\.1:(\d+)/);
    const { code } = await sipbot('call', `sip:x@${HOST}:${port}`, '--host', HOST, '--from', 'a%2F..%2Fb', '--seconds', '0.5');
    expect(code).toBe(0);
    const { code: listened, out } = await running;
    expect(listened).toBe(0);
    expect(out).toMatch(/call 1 from .*\n(.*\n)*.*call 1: the far end hung up; \d+ packets sent/);
    const [file, ...more] = readdirSync(calls);
    expect(more).toEqual([]);
    expect(file).toMatch(/^\d{8}T\d{6}-1-[\w+-]+\.wav$/);
  });

  test('a port that is taken is exit code 1 and says which', async () => {
    const local = await registrar();
    const { code, notes } = await sipbot('listen', '--host', HOST, '--port', local.address.split(':')[1]!);
    await local.close();
    expect([code, notes]).toEqual([1, expect.stringContaining('cannot listen on udp')]);
  });
});

describe('sipbot trace', () => {
  const file = join(folder, 'two.pcap');
  const other = Buffer.from(sip(7).toString().replace('Call-ID: c1', 'Call-ID: c2'));
  writeFileSync(
    file,
    writePcap([
      { from: alice, to: bob, bytes: sip(1), wall: 1000 },
      { from: bob, to: alice, bytes: other, wall: 1500 },
    ]),
  );

  test('the whole ladder, one call of it, the list of calls, and a picture', async () => {
    const all = await sipbot('trace', file);
    expect(all.out.match(/OPTIONS bob/g)).toHaveLength(2);
    expect(all.notes).toContain('2 calls');
    const svg = join(folder, 'one.svg');
    const one = await sipbot('trace', file, '--call-id', 'c2', '--svg', svg);
    expect(one.out.match(/OPTIONS bob/g)).toHaveLength(1);
    expect(readFileSync(svg, 'utf8').match(/marker-end/g)).toHaveLength(1);
    expect((await sipbot('trace', file, '--calls')).out).toBe(
      'c1\t1\tOPTIONS sip:bob@192.0.2.2 SIP/2.0\nc2\t1\tOPTIONS sip:bob@192.0.2.2 SIP/2.0\n',
    );
  });

  test('no such call, no SIP, no capture, no file: exit code 1, each in its own words', async () => {
    const junk = join(folder, 'junk.pcap');
    writeFileSync(junk, 'this is no capture at all');
    const empty = join(folder, 'empty.pcap');
    writeFileSync(empty, writePcap([]));
    for (const [args, words] of [
      [[file, '--call-id', 'c9'], /there are: c1, c2/],
      [[empty], /no SIP in 0 packets/],
      [[junk], /neither pcap nor pcapng/],
      [[join(folder, 'none.pcap')], /ENOENT/],
    ] as const) {
      const { code, notes } = await sipbot('trace', ...args);
      expect(notes).toMatch(words);
      expect(code).toBe(1);
    }
  });
});

describe.concurrent('sipbot doctor', () => {
  test('all is well: NAT asked of two STUN servers, registered, audio both ways', async () => {
    const local = await registrar();
    const echo = await echoBot();
    const stun = await Promise.all([0, 1].map(() => systemDatagram({ host: HOST, port: 0 })));
    for (const socket of stun)
      socket.onMessage = (bytes, address, port) => {
        const request = parseStun(bytes);
        if (request?.type !== 'request') return;
        const answer = writeBindingResponse(request, { address, port });
        socket.send(answer, 0, answer.length, port, address);
      };
    const { code, out } = await sipbot(
      ...['doctor', '--uri', `sip:bot@${local.address}`, '--password', SECRET, '--host', HOST],
      ...stun.flatMap(({ local: { port } }) => ['--stun', `${HOST}:${port}`]),
      ...['--echo', echo.uri, '--seconds', '1'],
    );
    for (const socket of stun) socket.close();
    await echo.stop();
    await local.close();
    expect(out).toMatch(/ok {5} +seen from outside as 127\.0\.0\.1:\d+: no NAT/);
    expect(out).toMatch(/is an address: no DNS is needed/);
    expect(out).toMatch(/is registered, in \d+ ms/);
    expect(out).toMatch(/audio goes both ways/);
    expect(out).not.toContain(SECRET);
    expect([code, out]).toEqual([0, expect.stringContaining('Nothing wrong was found')]);
  });

  test('a far end that does not hear us, or does not echo, is not taken for one that does', async () => {
    const bot = new SipBot({ listen: [{ transport: 'udp', host: HOST }], rtpHost: HOST, threads: 0 });
    bot.on('call', (call) => call.answer());
    await bot.start();
    const { code, out } = await sipbot('doctor', '--host', HOST, '--echo', `sip:quiet@${HOST}:${bot.addresses[0]!.port}`, '--seconds', '1');
    await bot.stop();
    expect(out).toMatch(/WRONG {3}they are silent, though their packets arrive \(\d+ packets sent.*\n {8}-> let UDP out/);
    expect(out).toMatch(/skipped NAT/);
    expect(code).toBe(1);
  });

  test('a wrong password and a STUN server that is silent are called by their names', async () => {
    const local = await registrar();
    const deaf = await systemDatagram({ host: HOST, port: 0 });
    const { code, out } = await sipbot(
      'doctor',
      '--uri',
      `sip:bot@${local.address}`,
      '--password',
      'no',
      '--host',
      HOST,
      '--stun',
      `${HOST}:${deaf.local.port}`,
    );
    deaf.close();
    await local.close();
    expect(code).toBe(1);
    expect(out).toMatch(/WRONG {3}the STUN server .* does not answer\n {8}-> outgoing UDP/);
    expect(out).toMatch(/WRONG {3}registration failed\n {8}-> .*password/);
    expect(out).toMatch(/2 things are wrong/);
  });
});

describe.concurrent('sipbot demo', () => {
  test('from nothing to a recorded call with its picture and its capture, and the end', async () => {
    const files = join(folder, 'demo');
    const { code, out, notes } = await sipbot('demo', '--once', '--folder', files);
    expect([code, out]).toEqual([0, expect.stringMatching(/packets sent, \d{3} heard, 0 lost/)]);
    expect(notes).toContain('the caller pressed 42');
    expect(notes).toMatch(/302 .*\(INVITE\)|200 OK \(REGISTER\)/);
    expect(readdirSync(files).sort()).toEqual(['call.pcap', 'call.svg', 'call.wav', 'ladder.txt']);
    const sound = readWav(readFileSync(join(files, 'call.wav')));
    expect(purest(new Heard(soundChannel(sound, 0), sound.sampleRate), 1000)).toBeGreaterThan(0.9);
    expect(readFileSync(join(files, 'call.svg'), 'utf8')).toContain('BYE');
  }, 20_000);
});
