import { expect, test } from 'vitest';
import { RtcpMembers } from '../../src/rtp/rtcp-members.js';

test('RFC 3550 §6.3.3 RTP makes a member and a sender, RTCP a member', () => {
  const members = new RtcpMembers();
  members.onRtp(1, 100);
  members.onRtcp(2, 100);
  expect(members.count).toBe(2);
  expect(members.sendersSince(Number.NEGATIVE_INFINITY)).toBe(1);
  expect(members.sendersSince(100)).toBe(0);
});

test('§6.3.4 BYE takes one away, and its stragglers bring it back', () => {
  const members = new RtcpMembers();
  members.onRtp(1, 100);
  members.onLeft(1);
  expect(members.count).toBe(0);
  members.onRtp(1, 200);
  expect(members.count).toBe(1);
});

test('§6.3.5 who has been silent is forgotten', () => {
  const members = new RtcpMembers();
  members.onRtp(1, 100);
  members.onRtcp(2, 100);
  members.onRtp(1, 200);
  members.forgetSilentSince(150);
  expect(members.count).toBe(1);
  members.forgetSilentSince(300);
  expect(members.count).toBe(0);
});

test('an attacker with a million identifiers is 64 members', () => {
  const members = new RtcpMembers();
  for (let ssrc = 0; ssrc < 1000; ssrc++) {
    members.onRtp(ssrc, ssrc);
    members.onRtcp(ssrc + 1_000_000, ssrc);
  }
  expect(members.count).toBe(64);
});
