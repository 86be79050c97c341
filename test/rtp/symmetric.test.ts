import { describe, expect, test } from 'vitest';
import { RtpHeader } from '../../src/rtp/header.js';
import { type AddressVerdict, SymmetricRtp } from '../../src/rtp/symmetric.js';

const SIGNALLED = '10.0.0.1';
const NAT = '203.0.113.7';
const THIEF = '198.51.100.66';

function send(
  rtp: SymmetricRtp,
  from: readonly [string, number],
  stream: { ssrc?: number; sequence: number; count?: number; at: number; proof?: 'authenticated' | 'plain' },
): AddressVerdict[] {
  const { ssrc = 1, sequence, count = 1, at, proof = 'plain' } = stream;
  return Array.from({ length: count }, (_, i) => {
    const header = Object.assign(new RtpHeader(), { ssrc, sequence: (sequence + i) & 0xffff });
    return rtp.accept(from[0], from[1], header, at + 20 * i, proof);
  });
}

function latched(): SymmetricRtp {
  const rtp = new SymmetricRtp();
  rtp.expect(SIGNALLED, 4000);
  send(rtp, [NAT, 61000], { sequence: 100, count: 50, at: 0 });
  return rtp;
}

describe('RFC 4961 where the peer is', () => {
  test('is where SDP says while nothing has come, and when its packets come from there', () => {
    const rtp = new SymmetricRtp();
    expect(rtp.address).toBeUndefined();
    rtp.expect(SIGNALLED, 4000);
    expect([rtp.address, rtp.port, rtp.isLatched]).toEqual([SIGNALLED, 4000, false]);
    expect(send(rtp, [SIGNALLED, 4000], { sequence: 5, count: 2, at: 0 })).toEqual(['accept', 'accept']);
    expect(rtp.isLatched).toBe(true);
  });

  test('behind a NAT is where its packets come from, after three in a row', () => {
    const rtp = new SymmetricRtp();
    rtp.expect(SIGNALLED, 4000);
    expect(send(rtp, [NAT, 61000], { sequence: 65534, count: 4, at: 0 })).toEqual(['drop', 'drop', 'latched', 'accept']);
    expect([rtp.address, rtp.port]).toEqual([NAT, 61000]);
  });

  test('with latching off is where SDP says, whatever comes', () => {
    const rtp = new SymmetricRtp({ latch: false });
    rtp.expect(SIGNALLED, 4000);
    expect(new Set(send(rtp, [NAT, 61000], { sequence: 5, count: 100, at: 0 }))).toEqual(new Set(['drop']));
    expect([rtp.address, rtp.port, rtp.dropped]).toEqual([SIGNALLED, 4000, 100]);
  });

  test('is the signalled address after all, when a stray was there first', () => {
    const rtp = new SymmetricRtp();
    rtp.expect(SIGNALLED, 4000);
    send(rtp, [THIEF, 9], { ssrc: 66, sequence: 1, count: 10, at: 0 });
    expect(send(rtp, [SIGNALLED, 4000], { sequence: 5, count: 3, at: 300 })).toEqual(['drop', 'drop', 'latched']);
    expect(rtp.address).toBe(SIGNALLED);
  });
});

describe('the peer moves', () => {
  test('when its stream goes on from elsewhere and the old address is silent: a NAT has forgotten', () => {
    const rtp = latched();
    expect(send(rtp, [NAT, 61999], { sequence: 150, count: 8, at: 1000 })).toEqual([
      'drop',
      'drop',
      'drop',
      'drop',
      'latched',
      'accept',
      'accept',
      'accept',
    ]);
    expect(rtp.port).toBe(61999);
  });

  test('at once when the packet is authentic', () => {
    const rtp = latched();
    expect(send(rtp, [THIEF, 9], { sequence: 150, at: 1000, proof: 'authenticated' })).toEqual(['latched']);
    // An older one, that went the old way, does not move it back.
    expect(send(rtp, [NAT, 61000], { sequence: 149, at: 1010, proof: 'authenticated' })).toEqual(['drop']);
    expect(rtp.address).toBe(THIEF);
  });

  test('to where signalling says, and the old address is heard for a while', () => {
    const rtp = latched();
    rtp.expect('10.0.0.2', 5000);
    expect([rtp.address, rtp.port, rtp.isLatched]).toEqual(['10.0.0.2', 5000, false]);
    expect(new Set(send(rtp, [NAT, 61000], { sequence: 150, count: 20, at: 1000 }))).toEqual(new Set(['accept']));
    expect(rtp.address).toBe('10.0.0.2');
    expect(send(rtp, ['10.0.0.2', 5000], { ssrc: 2, sequence: 9, at: 1400 })).toEqual(['accept']);
    expect(send(rtp, [NAT, 61000], { sequence: 170, at: 1410 })).toEqual(['drop']);
  });

  test('nowhere when signalling says the same again', () => {
    const rtp = latched();
    rtp.expect(SIGNALLED, 4000);
    expect([rtp.address, rtp.isLatched]).toEqual([NAT, true]);
  });

  test('to its other port when it has started again: long silence, long run', () => {
    const rtp = latched();
    const verdicts = send(rtp, [NAT, 61001], { ssrc: 5, sequence: 9, count: 150, at: 1100 });
    expect(verdicts.indexOf('latched')).toBeGreaterThan(90);
    expect(rtp.port).toBe(61001);
  });
});

describe('nobody steals a stream', () => {
  test.each([
    ['of another SSRC while the peer talks', { ssrc: 66, sequence: 1 }],
    ['with the right SSRC and sequence while the peer talks', { ssrc: 1, sequence: 200 }],
  ])('by a stream %s', (_, forged) => {
    const rtp = latched();
    for (let i = 0; i < 500; i++) {
      expect(send(rtp, [NAT, 61000], { sequence: 150 + i, at: 1000 + 20 * i })).toEqual(['accept']);
      expect(send(rtp, [THIEF, 9], { ssrc: forged.ssrc, sequence: forged.sequence + i, at: 1010 + 20 * i })).toEqual(['drop']);
    }
    expect(rtp.address).toBe(NAT);
  });

  test.each([
    ['another SSRC', { ssrc: 66, sequence: 1 }],
    ['the right SSRC and a sequence number from before', { ssrc: 1, sequence: 30 }],
    ['the right SSRC and a sequence number from far ahead', { ssrc: 1, sequence: 20000 }],
  ])('while the peer is silent, with %s', (_, forged) => {
    const rtp = latched();
    expect(new Set(send(rtp, [THIEF, 9], { ...forged, count: forged.sequence === 30 ? 100 : 3000, at: 5000 }))).toEqual(new Set(['drop']));
    expect(rtp.address).toBe(NAT);
    expect(send(rtp, [NAT, 61000], { sequence: 150, at: 70_000 })).toEqual(['accept']);
  });

  test('by single packets from everywhere', () => {
    const rtp = new SymmetricRtp();
    rtp.expect(SIGNALLED, 4000);
    for (let i = 0; i < 1000; i++) expect(send(rtp, [`198.51.100.${i % 250}`, i], { ssrc: i, sequence: i, at: i })).toEqual(['drop']);
    expect([rtp.address, rtp.port, rtp.dropped]).toEqual([SIGNALLED, 4000, 1000]);
  });
});
