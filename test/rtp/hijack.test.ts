/**
 * Who takes over a stream, and who is heard in it: an attacker with the right or a wrong source, SSRC and sequence, while the peer talks and when it has
 * fallen silent, clear and under SRTP. Clear RTP has no defence against one who can write the peer's own address on its packets; the table says so.
 */
import { describe, expect, test } from 'vitest';
import { parseRtp, RtpHeader, writeRtp } from '../../src/rtp/header.js';
import { RtpSource } from '../../src/rtp/source.js';
import { SymmetricRtp } from '../../src/rtp/symmetric.js';

const PEER = { address: '192.0.2.1', port: 4000, ssrc: 0x1111, sequence: 1000 };
const ATTACKER = { address: '198.51.100.6', port: 6000 };

interface Outcome {
  /** Of the attacker's packets, in %. */
  readonly heard: number;
  readonly isSentTo: boolean;
  /** Of the peer's. */
  readonly peerHeard: number;
}

/** Four seconds: the peer talks for one, then goes on or not, while the attacker sends as fast. */
function attack(how: {
  source: 'right' | 'wrong';
  ssrc: 'right' | 'wrong';
  sequence: 'right' | 'wrong';
  peer: 'talking' | 'silent';
  proof: 'plain' | 'authenticated';
}): Outcome {
  const symmetric = new SymmetricRtp();
  const source = new RtpSource(0x9999);
  symmetric.expect(PEER.address, PEER.port);
  const header = new RtpHeader();
  const take = (address: string, port: number, ssrc: number, sequence: number, now: number, proof: 'plain' | 'authenticated'): boolean => {
    const packet = new Uint8Array(172);
    writeRtp(packet, { payloadType: 0, marker: false, sequence: sequence & 0xffff, timestamp: (sequence * 160) >>> 0, ssrc });
    parseRtp(packet, packet.length, header);
    if (symmetric.accept(address, port, header, now, proof) === 'drop') return false;
    return source.accept(header, now) !== 'probation';
  };
  const at = how.source === 'right' ? PEER : ATTACKER;
  let [heard, sent, peerHeard, peerSent] = [0, 0, 0, 0];
  for (let i = 0; i < 200; i++) {
    const now = i * 20;
    if (i < 50 || how.peer === 'talking') {
      peerSent++;
      if (take(PEER.address, PEER.port, PEER.ssrc, PEER.sequence + i, now, how.proof)) peerHeard++;
    }
    // Under SRTP what the attacker makes is not authentic, and does not come as far as this.
    if (i < 50 || how.proof === 'authenticated') continue;
    sent++;
    const sequence = (how.sequence === 'right' ? PEER.sequence + i : 40_000 + i) + 1;
    if (take(at.address, at.port, how.ssrc === 'right' ? PEER.ssrc : 0x6666, sequence, now + 10, 'plain')) heard++;
  }
  return {
    heard: sent === 0 ? 0 : Math.round((100 * heard) / sent),
    isSentTo: symmetric.address === ATTACKER.address,
    peerHeard: Math.round((100 * peerHeard) / peerSent),
  };
}

describe('from another address', () => {
  for (const ssrc of ['right', 'wrong'] as const)
    for (const sequence of ['right', 'wrong'] as const)
      test(`${ssrc} SSRC, ${sequence} sequence, while the peer talks: not heard, not sent to, and the peer misses nothing`, () => {
        expect(attack({ source: 'wrong', ssrc, sequence, peer: 'talking', proof: 'plain' })).toEqual({
          heard: 0,
          isSentTo: false,
          peerHeard: 100,
        });
      });

  test.each([
    ['wrong', 'right'],
    ['wrong', 'wrong'],
    ['right', 'wrong'],
  ] as const)('%s SSRC, %s sequence, while the peer is silent: neither', (ssrc, sequence) => {
    expect(attack({ source: 'wrong', ssrc, sequence, peer: 'silent', proof: 'plain' })).toMatchObject({ heard: 0, isSentTo: false });
  });

  test('right SSRC and sequence while the peer is silent is what a NAT that forgot looks like: taken for the peer, in clear RTP alone', () => {
    expect(attack({ source: 'wrong', ssrc: 'right', sequence: 'right', peer: 'silent', proof: 'plain' }).isSentTo).toBe(true);
    expect(attack({ source: 'wrong', ssrc: 'right', sequence: 'right', peer: 'silent', proof: 'authenticated' })).toMatchObject({
      heard: 0,
      isSentTo: false,
    });
  });
});

describe('with the peer’s own address written on it', () => {
  test.each(['right', 'wrong'] as const)('a wrong SSRC, %s sequence, while the peer talks: the peer misses nothing', (sequence) => {
    const outcome = attack({ source: 'right', ssrc: 'wrong', sequence, peer: 'talking', proof: 'plain' });
    expect(outcome).toEqual({ heard: 0, isSentTo: false, peerHeard: 100 });
  });

  test('the right SSRC too: only SRTP tells them apart', () => {
    expect(attack({ source: 'right', ssrc: 'right', sequence: 'right', peer: 'talking', proof: 'plain' }).heard).toBeGreaterThan(0);
    expect(attack({ source: 'right', ssrc: 'right', sequence: 'right', peer: 'talking', proof: 'authenticated' })).toMatchObject({
      heard: 0,
      peerHeard: 100,
    });
  });
});
