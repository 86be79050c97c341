/** What an INVITE to us can bring that an honest agent would not: the signalling is a fake, the media is real. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { CallOptions } from '../../src/session/call-options.js';
import { CallSession } from '../../src/session/call-session.js';
import { SipRequest } from '../../src/sip/message/message.js';
import type { IncomingCall } from '../../src/sip/ua/invite-incoming.js';
import type { AcceptOptions, Body, InviteHandler, ProgressOptions, RejectOptions } from '../../src/sip/ua/invite-usage.js';
import { log, type Party, Wire } from './support/party.js';

let wire: Wire;

class FakeInvite {
  readonly request: SipRequest;
  handler: InviteHandler = {};
  readonly callId = 'c';
  readonly replaces = undefined;
  readonly remoteAddress = { transport: 'udp', address: '10.0.0.9', port: 5060 };
  state = 'early';
  /** What was said: status, and whether with a description. */
  readonly said: string[] = [];
  readonly rejections: RejectOptions[] = [];
  onAck: (() => void) | undefined;

  constructor(body: Body | undefined, headers: readonly (readonly [string, string])[]) {
    this.request = new SipRequest('INVITE', 'sip:1@10.0.0.1', [
      ['From', '<sip:9@10.0.0.9>;tag=f'],
      ['To', '<sip:1@10.0.0.1>'],
      ['Call-ID', 'c'],
      ['CSeq', '1 INVITE'],
      ...headers,
    ]);
    if (body !== undefined) this.request.setBody(body.contentType, body.bytes);
  }

  async progress(status: number, { body, reliable }: ProgressOptions = {}): Promise<void> {
    this.said.push(`${status}${body ? ' sdp' : ''} ${reliable ?? '-'}`);
  }

  async accept({ body }: AcceptOptions = {}): Promise<void> {
    this.said.push(`200${body ? ' sdp' : ''}`);
    this.state = 'confirmed';
    await new Promise<void>((resolve) => {
      this.onAck = resolve;
    });
  }

  ack(body?: Body): void {
    this.handler.onAck?.(this.request, body);
    this.onAck?.();
  }

  reject(status: number, options: RejectOptions = {}): void {
    this.said.push(String(status));
    this.rejections.push(options);
  }

  async bye(): Promise<void> {
    this.said.push('BYE');
  }
}

const sdp = (formats = '0', more = ''): Body => ({
  contentType: 'application/sdp',
  bytes: Buffer.from(`v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 6000 RTP/AVP ${formats}\r\n${more}`),
});

async function arrive(
  body: Body | undefined,
  headers: readonly (readonly [string, string])[] = [],
  options: CallOptions = {},
): Promise<[CallSession | undefined, FakeInvite, Party]> {
  wire = new Wire();
  const party = await wire.party(1, options);
  const invite = new FakeInvite(body, headers);
  return [CallSession.receive(invite as unknown as IncomingCall, party.context, party.options), invite, party];
}

const rel = [['Supported', '100rel']] as const;

afterEach(async () => {
  expect(wire.errors).toEqual([]);
  await wire.close();
});

describe('refused before anyone is bothered', () => {
  test.each([
    ['no codec of ours', sdp('18'), 488, 'Warning'],
    ['SRTP where there is none', { ...sdp(), bytes: Buffer.from(sdp().bytes.toString().replace('RTP/AVP', 'RTP/SAVP')) }, 488, 'Warning'],
    ['no SDP in it', { contentType: 'application/sdp', bytes: Buffer.from('hello') }, 400, 'Warning'],
    ['a body that nobody reads', { contentType: 'application/json', bytes: Buffer.from('{}') }, 415, 'Accept'],
  ])('%s: %i', async (_what, body, status, header) => {
    const [call, invite] = await arrive(body);
    expect(call).toBeUndefined();
    expect(invite.said).toEqual([String(status)]);
    expect(invite.rejections[0]?.headers?.[0]?.[0]).toBe(header);
  });
});

describe('what goes into which response', () => {
  test('an answer in the 183 and again in the 200, where the 183 may be lost', async () => {
    const [call, invite] = await arrive(sdp());
    await call!.ring();
    await call!.progress();
    await call!.progress();
    const answer = call!.answer();
    await wire.run(0);
    invite.ack();
    await answer;
    expect(invite.said).toEqual(['180 -', '183 sdp never', '183 sdp never', '200 sdp']);
    expect([call!.state, call!.codec?.codec]).toEqual(['answered', 'pcmu']);
    await call!.hangup();
  });

  test('RFC 6337 §3.1.1: once delivered reliably, never again', async () => {
    const [call, invite] = await arrive(sdp(), rel);
    await call!.progress();
    await call!.progress();
    void call!.answer();
    await wire.run(0);
    invite.ack();
    expect(invite.said).toEqual(['183 sdp always', '183 always', '200']);
    await call!.hangup();
  });

  test('RFC 3262 §3: who requires reliable responses gets them, and who cannot have them is not promised any', async () => {
    const [call, invite] = await arrive(sdp(), [['Require', '100rel']]);
    await call!.progress({ reliable: 'never' });
    void call!.answer();
    await wire.run(0);
    expect(invite.said).toEqual(['183 sdp always', '200']);
    await call!.hangup();
    const [other] = await arrive(sdp());
    await expect(other!.progress({ reliable: 'always' })).rejects.toMatchObject({ code: 'ERR_STATE' });
    await other!.hangup();
  });

  test('no offer and no 100rel: a 183 alone, and the offer in the 200', async () => {
    const [call, invite] = await arrive(undefined);
    await call!.progress();
    expect(call!.state).toBe('ringing');
    const answer = call!.answer();
    await wire.run(0);
    invite.ack(sdp('8'));
    await answer;
    expect(invite.said).toEqual(['183 never', '200 sdp']);
    expect(call!.codec?.codec).toBe('pcma');
    await call!.hangup();
  });

  test.each([
    ['without an answer', undefined],
    ['with an answer that is none', sdp('18')],
  ])('our offer in the 200, and an ACK %s: hung up', async (_what, body) => {
    const [call, invite] = await arrive(undefined);
    const told = log(call!);
    const answer = call!.answer();
    await wire.run(0);
    invite.ack(body);
    await expect(answer).rejects.toMatchObject({ status: 488 });
    expect(invite.said).toEqual(['200 sdp', 'BYE']);
    expect(told).toEqual(['ended failed local 488 65']);
  });

  test.each([
    ['without an answer', undefined],
    ['with an answer that is none', sdp('18')],
  ])('our offer in a reliable 183, and a PRACK %s: the 200 offers again', async (_what, body) => {
    const [call, invite] = await arrive(undefined, rel);
    await call!.progress();
    expect(invite.handler.onPrack?.(invite.request, body)).toBeUndefined();
    expect(call!.state).toBe('ringing');
    const answer = call!.answer();
    await wire.run(0);
    invite.ack(sdp('8'));
    await answer;
    expect(invite.said).toEqual(['183 sdp always', '200 sdp']);
    await call!.hangup();
  });

  test('RFC 3262 §5: a PRACK that offers is answered in its 200', async () => {
    const [call, invite] = await arrive(sdp(), rel);
    await call!.progress();
    const answer = invite.handler.onPrack?.(invite.request, sdp('8'));
    expect(Buffer.from(answer!.bytes).toString()).toContain('RTP/AVP 8');
    expect(call!.codec?.codec).toBe('pcma');
    await call!.hangup();
  });

  test('RFC 3311: an UPDATE before the answer moves the early media', async () => {
    const [call, invite] = await arrive(sdp(), rel);
    await call!.progress();
    const update = new SipRequest('UPDATE', 'sip:1@10.0.0.1');
    const moved = { ...sdp(), bytes: Buffer.from(sdp().bytes.toString().replace('audio 6000', 'audio 7000')) };
    expect(await invite.handler.onOffer?.(update, moved)).toMatchObject({ status: 200 });
    expect([call!.media?.remote?.port, call!.state]).toEqual([7000, 'early']);
    expect(await invite.handler.onOffer?.(update, undefined)).toEqual({ status: 200 });
    await call!.hangup();
  });
});

describe('whatever the description says', () => {
  const good = `v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0 8 96 101\r\na=rtpmap:96 L16/16000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp:6001\r\na=sendrecv\r\n`;
  const pieces = [
    '0',
    '65535',
    '-1',
    '127',
    '8000',
    '0.0.0.0',
    '::',
    '999.1.1.1',
    'x',
    'inactive',
    'RTP/SAVP',
    'a=rtcp-mux\r\n',
    'L16/44100',
    ' ',
    '/',
    '\u0000',
  ];

  test('a call is refused or answered, and re-offers refused or taken; nothing is thrown and nothing fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length), fc.nat(12), fc.constantFrom(...pieces)), { maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(good.length), fc.nat(12), fc.constantFrom(...pieces)), { maxLength: 4 }),
        async (first, second) => {
          const mutate = (edits: typeof first): Body => {
            let text = good;
            for (const [at, drop, piece] of edits) text = text.slice(0, at) + piece + text.slice(at + drop);
            return { contentType: 'application/sdp', bytes: Buffer.from(text) };
          };
          const [call, invite] = await arrive(mutate(first), [], { codecs: ['pcmu', 'pcma', 'l16'] });
          if (call === undefined) {
            expect(invite.said.join()).toMatch(/^(400|488)$/);
          } else {
            const answer = call.answer();
            await wire.run(0);
            invite.ack();
            // An address of the other family shows only when ours is known.
            const isRefused = await answer.then(
              () => false,
              (error: { status: number }) => error.status === 488,
            );
            if (isRefused) {
              expect(call.state).toBe('ended');
              await wire.close();
              return;
            }
            const reply = await invite.handler.onOffer!(new SipRequest('INVITE', 'sip:1@10.0.0.1'), mutate(second));
            expect([200, 400, 488]).toContain(reply.status);
            await wire.run(40);
            expect(['answered', 'held']).toContain(call.state);
            await call.hangup();
          }
          expect(wire.errors).toEqual([]);
          await wire.close();
        },
      ),
      { numRuns: Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 0) || 150 },
    );
  });
});

describe('what an application may do, and when', () => {
  test('answering twice is answering once', async () => {
    const [call, invite] = await arrive(sdp());
    const answers = [call!.answer(), call!.answer()];
    await wire.run(0);
    invite.ack();
    await Promise.all(answers);
    expect(invite.said).toEqual(['200 sdp']);
    await call!.hangup();
  });

  test('once it is being answered, nothing else can be said', async () => {
    const [call, invite] = await arrive(sdp());
    const answer = call!.answer();
    expect(() => call!.reject()).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
    expect(() => call!.redirect('sip:x@y')).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
    await expect(call!.ring()).rejects.toMatchObject({ code: 'ERR_STATE' });
    await expect(call!.progress()).rejects.toMatchObject({ code: 'ERR_STATE' });
    await wire.run(0);
    invite.ack();
    await answer;
    expect(() => call!.reject()).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
    await call!.hangup();
  });

  test('a status that is no refusal, a target that is no URI: an OptionError, and the call goes on ringing', async () => {
    const [call] = await arrive(sdp());
    expect(() => call!.reject(200)).toThrow(expect.objectContaining({ code: 'ERR_OPTION', option: 'status' }));
    expect(() => call!.redirect('sip:x@y', { status: 404 })).toThrow(expect.objectContaining({ option: 'status' }));
    expect(() => call!.redirect('not a uri')).toThrow(expect.objectContaining({ option: 'targets' }));
    expect(call!.state).toBe('ringing');
    await call!.hangup();
  });

  test('§21.3 sent elsewhere', async () => {
    const [call, invite] = await arrive(sdp());
    const told = log(call!);
    call!.redirect(['sip:a@x', '"B" <sip:b@x>;q=0.5'], { status: 301, headers: [['X-Why', 'lunch']] });
    expect(invite.said).toEqual(['301']);
    expect(invite.rejections[0]?.headers).toEqual([
      ['Contact', '<sip:a@x>'],
      ['Contact', '"B" <sip:b@x>;q=0.5'],
      ['X-Why', 'lunch'],
    ]);
    expect(told).toEqual(['ended redirected local 301 16']);
  });

  test('what the application wants to hear is settled by the answer', async () => {
    const [call, invite] = await arrive(sdp());
    const answer = call!.answer({ audio: { sampleRate: 24000, frameMs: 40 } });
    await wire.run(0);
    invite.ack();
    await answer;
    expect([call!.stream?.sampleRate, call!.stream?.frameMs]).toEqual([24000, 40]);
    await call!.hangup();
  });

  test('whether it was answered can be asked while it rings, and when it is over', async () => {
    const [refused] = await arrive(sdp());
    const asked = expect(refused!.answered).rejects.toMatchObject({ code: 'ERR_CALL_REJECTED', status: 486 });
    refused!.reject();
    await asked;
    await expect(refused!.answered).rejects.toMatchObject({ status: 486 });
    const [late] = await arrive(sdp());
    late!.reject(603);
    await expect(late!.answered).rejects.toMatchObject({ status: 603 });
    const [taken, invite] = await arrive(sdp());
    const answer = taken!.answer();
    await wire.run(0);
    invite.ack();
    await answer;
    await taken!.answered;
    await taken!.hangup();
    await taken!.answered;
  });

  test('hung up before it was answered: 480, and the end says who', async () => {
    const [call, invite] = await arrive(sdp());
    const told = log(call!);
    await call!.hangup();
    expect([invite.said, told]).toEqual([['BYE'], ['ended rejected local 480 18']]);
    await call!.hangup();
  });
});
