/** What we write ourselves is to the letter what sdp-transform would have written of the same. */
import fc from 'fast-check';
import { write } from 'sdp-transform';
import { expect, test } from 'vitest';
import { familyOf, type MediaDescription, type SessionDescription } from '../../src/session/sdp.js';
import { writeSdp } from '../../src/session/sdp-writer.js';

function byTheLibrary({ origin, media, bundles }: SessionDescription): string {
  const shared = media.find((line) => line.port !== 0 && line.address !== undefined)?.address ?? origin.address;
  return write({
    version: 0,
    origin: {
      username: origin.username,
      sessionId: origin.sessionId,
      sessionVersion: Number(origin.version),
      netType: 'IN',
      ipVer: familyOf(origin.address),
      address: origin.address,
    },
    name: '-',
    connection: { version: familyOf(shared), ip: shared },
    timing: { start: 0, stop: 0 },
    ...(bundles && { groups: bundles.map((mids) => ({ type: 'BUNDLE', mids: mids.join(' ') })) }),
    media: media.map((line) => fieldsOf(line, shared)),
  } as unknown as Parameters<typeof write>[0]);
}

function fieldsOf(line: MediaDescription, shared: string): object {
  const { kind, port, protocol, formats, rtp, mid, address, rtcp, ptimeMs, maxptimeMs, direction, crypto } = line;
  return {
    type: kind,
    port,
    protocol,
    payloads: formats.join(' '),
    rtp: rtp.map(({ payloadType, encoding, clockRate, channels }) => ({
      payload: payloadType,
      codec: encoding,
      rate: clockRate,
      ...(channels > 1 && { encoding: channels }),
    })),
    fmtp: rtp.filter(({ fmtp }) => fmtp !== undefined).map(({ payloadType, fmtp }) => ({ payload: payloadType, config: fmtp })),
    mid,
    ...(port > 0 && {
      ...(address !== undefined && address !== shared && { connection: { version: familyOf(address), ip: address } }),
      ...(rtcp && {
        rtcp: { port: rtcp.port, ...(rtcp.address && { netType: 'IN', ipVer: familyOf(rtcp.address), address: rtcp.address }) },
      }),
      ptime: ptimeMs,
      maxptime: maxptimeMs,
      direction,
      ...(line.rtcpMux && { rtcpMux: 'rtcp-mux' }),
      ...(line.reducedSizeRtcp && { rtcpRsize: 'rtcp-rsize' }),
      invalid: crypto?.map((value) => ({ value: `crypto:${value}` })),
    }),
  };
}

test('RFC 8866 §5: every description comes out as sdp-transform writes it', () => {
  const address = fc.constantFrom('192.0.2.1', '198.51.100.7', '2001:db8::1');
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const format = fc.record({
    payloadType: fc.integer({ min: 0, max: 127 }),
    encoding: fc.constantFrom('opus', 'telephone-event', 'PCMU'),
    clockRate: fc.constantFrom(8000, 48000),
    channels: fc.constantFrom(1, 2),
    fmtp: maybe(fc.constantFrom('0-16', 'minptime=10;useinbandfec=1')),
  });
  const media = fc.record({
    kind: fc.constantFrom('audio', 'video'),
    port: fc.constantFrom(0, 9, 49170),
    protocol: fc.constantFrom('RTP/AVP', 'RTP/SAVP'),
    formats: fc.array(fc.constantFrom('0', '8', '101'), { minLength: 1, maxLength: 3 }),
    rtp: fc.array(format, { maxLength: 4 }),
    address: maybe(address),
    direction: fc.constantFrom('sendrecv', 'sendonly', 'recvonly', 'inactive'),
    ptimeMs: maybe(fc.constantFrom(20, 30)),
    maxptimeMs: maybe(fc.constant(60)),
    rtcp: maybe(fc.record({ port: fc.constant(53020), address: maybe(address) })),
    rtcpMux: maybe(fc.boolean()),
    reducedSizeRtcp: maybe(fc.boolean()),
    crypto: maybe(fc.constant(['1 A inline:B', '2 C inline:D'])),
    mid: maybe(fc.constantFrom('0', 'audio')),
  });
  const description = fc.record({
    origin: fc.record({
      username: fc.constantFrom('-', 'jane doe'),
      sessionId: fc.constant('18446744073709551615'),
      version: fc.constantFrom('1', '3724394400'),
      address,
    }),
    media: fc.array(media, { minLength: 1, maxLength: 3 }),
    bundles: maybe(fc.constant([['0', 'audio']])),
  });
  fc.assert(
    fc.property(description, (one) => {
      expect(writeSdp(one as SessionDescription)).toBe(byTheLibrary(one as SessionDescription));
    }),
  );
});
