/** Who takes part in a session and who of them sends, as the RTCP schedule counts them: RFC 3550 §6.2.1, §6.3.3 to §6.3.5. Ourselves apart. */

interface Member {
  lastAt: number;
  lastRtpAt: number;
}

/** A call has one far end, and another for a while after a transfer. What comes beyond these is not counted. */
const MOST_MEMBERS = 64;

export class RtcpMembers {
  readonly #members = new Map<number, Member>();
  /** The one whose RTP came last: the path of every packet. */
  #lastSsrc = -1;
  #last: Member | undefined;

  get count(): number {
    return this.#members.size;
  }

  /** Nothing is allocated for a packet of a member that is known. */
  onRtp(ssrc: number, now: number): void {
    if (ssrc !== this.#lastSsrc || this.#last === undefined) {
      this.#last = this.#find(ssrc, now);
      this.#lastSsrc = ssrc;
    }
    if (this.#last === undefined) return;
    this.#last.lastAt = now;
    this.#last.lastRtpAt = now;
  }

  onRtcp(ssrc: number, now: number): void {
    const member = this.#find(ssrc, now);
    if (member !== undefined) member.lastAt = now;
  }

  /** §6.3.4: said BYE. */
  onLeft(ssrc: number): void {
    if (ssrc === this.#lastSsrc) this.#last = undefined;
    this.#members.delete(ssrc);
  }

  /** §6.3.5. */
  forgetSilentSince(then: number): void {
    for (const [ssrc, { lastAt }] of this.#members) if (lastAt < then) this.onLeft(ssrc);
  }

  sendersSince(then: number): number {
    let senders = 0;
    for (const { lastRtpAt } of this.#members.values()) if (lastRtpAt > then) senders++;
    return senders;
  }

  #find(ssrc: number, now: number): Member | undefined {
    const known = this.#members.get(ssrc);
    if (known !== undefined || this.#members.size >= MOST_MEMBERS) return known;
    const member = { lastAt: now, lastRtpAt: Number.NEGATIVE_INFINITY };
    this.#members.set(ssrc, member);
    return member;
  }
}
