/**
 * rtpengine in the path of the media. A relay of a few lines stands between two bots: it passes SIP on as it comes, and has the descriptions
 * rewritten by rtpengine, as a proxy does.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect } from 'vitest';
import type { Call } from '../../src/index.js';
import { answered, test as base, endOf, expectTalk, HERE, nextCall, peers, type TestBot } from './line.js';
import { at } from './peers/process.js';
import { type Bencoded, rtpengineCommand } from './peers/rtpengine.js';

const engine = peers.rtpengine!;

interface Relay {
  readonly port: number;
  /** Ports that descriptions named after rtpengine's rewriting. */
  readonly mediaPorts: number[];
}

type MakeRelay = (callee: TestBot, offerOptions?: Record<string, Bencoded>) => Promise<Relay>;

const test = base.extend<{ relay: MakeRelay }>({
  // biome-ignore lint/correctness/noEmptyPattern: what a fixture depends on is read from its pattern
  relay: async ({}, use) => {
    const sockets: Socket[] = [];
    await use(async (callee, offerOptions = {}) => {
      const [front, back] = [createSocket('udp4'), createSocket('udp4')];
      sockets.push(front, back);
      for (const socket of [front, back]) {
        socket.bind(0, at(16));
        await once(socket, 'listening');
      }
      const mediaPorts: number[] = [];
      let callerPort = 0;
      const calleePort = callee.addresses[0]!.port;
      front.on('message', async (bytes, { port }) => {
        callerPort = port;
        const text = await rewritten(bytes.toString(), offerOptions, mediaPorts);
        back.send(text, calleePort, HERE);
      });
      back.on('message', async (bytes) => {
        const text = await rewritten(bytes.toString(), {}, mediaPorts);
        front.send(text, callerPort, HERE);
      });
      return { port: front.address().port, mediaPorts };
    });
    for (const socket of sockets) socket.close();
  },
});

/** INVITE carries an offer, its 2xx the answer; all else passes. */
async function rewritten(text: string, offerOptions: Record<string, Bencoded>, mediaPorts: number[]): Promise<string> {
  const [head, sdp] = text.split('\r\n\r\n') as [string, string | undefined];
  if (sdp === undefined || sdp === '') return text;
  const value = (pattern: RegExp): string => pattern.exec(head)?.[1] ?? '';
  const isOffer = head.startsWith('INVITE ');
  const reply = await rtpengineCommand(engine.host, {
    command: isOffer ? 'offer' : 'answer',
    'call-id': value(/^Call-ID: *(.*)$/im),
    'from-tag': value(/^From:.*;tag=([^;\r\n]+)/im),
    ...(isOffer ? offerOptions : { 'to-tag': value(/^To:.*;tag=([^;\r\n]+)/im) }),
    replace: ['origin', 'session-connection'],
    ICE: 'remove',
    sdp,
  });
  if (reply['result'] !== 'ok') throw new Error(`rtpengine: ${JSON.stringify(reply)}`);
  const body = String(reply['sdp']);
  mediaPorts.push(Number(/^m=audio (\d+)/m.exec(body)?.[1]));
  return `${head.replace(/^Content-Length:.*$/im, `Content-Length: ${Buffer.byteLength(body)}`)}\r\n\r\n${body}`;
}

async function talkThrough(relay: Relay, caller: TestBot, callee: TestBot): Promise<[out: Call, into: Call]> {
  const [out, into] = await Promise.all([caller.dial(`sip:bot@${at(16)}:${relay.port}`), answered(nextCall(callee))]);
  await expectTalk(out, into);
  // rtpengine's own range: the media went through it.
  expect(relay.mediaPorts.length).toBeGreaterThanOrEqual(2);
  for (const port of relay.mediaPorts) expect(port).toBeGreaterThanOrEqual(26_000);
  const ended = endOf(into);
  await out.hangup();
  expect(await ended).toMatchObject({ reason: 'hangup', by: 'remote' });
  return [out, into];
}

describe.concurrent('rtpengine', { skip: peers.rtpengine === undefined }, () => {
  test('in the path of the media: both hear each other', async ({ bot, relay }) => {
    const [caller, callee] = await Promise.all([bot(), bot()]);
    await talkThrough(await relay(callee), caller, callee);
  });

  test('plain RTP here, SRTP there: it turns the one into the other', async ({ bot, relay }) => {
    const [caller, callee] = await Promise.all([bot({ srtp: 'off' }), bot({ srtp: 'required' })]);
    const through = await relay(callee, { 'transport-protocol': 'RTP/SAVP' });
    await talkThrough(through, caller, callee);
    const said = (one: TestBot): string[] => one.messages.flatMap(({ text }) => /^m=audio \d+ (\S+)/m.exec(text)?.[1] ?? []);
    expect([new Set(said(caller)), new Set(said(callee))]).toEqual([new Set(['RTP/AVP']), new Set(['RTP/SAVP'])]);
  });

  test('it converts codecs: PCMU here, PCMA there', async ({ bot, relay }) => {
    const [caller, callee] = await Promise.all([bot({ codecs: ['pcmu'] }), bot({ codecs: ['pcma'] })]);
    const through = await relay(callee, { codec: { transcode: ['PCMA'], mask: ['PCMU'] } });
    const [out, into] = await talkThrough(through, caller, callee);
    expect([out.codec, into.codec]).toEqual(['pcmu', 'pcma']);
  });
});
