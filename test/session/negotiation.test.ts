import { describe, expect, test } from 'vitest';
import type { Capabilities } from '../../src/session/capabilities.js';
import { type Delivery, Negotiation, type Received } from '../../src/session/negotiation.js';

const us: Capabilities = { address: '192.0.2.1', port: 4000, codecs: ['pcmu', 'pcma'], telephoneEvent: false };

/** A description of theirs: version, port, payload types, direction. */
function theirs(version: number, port = 6000, formats = '0', direction = 'sendrecv'): string {
  return `v=0\r\no=- 9 ${version} IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio ${port} RTP/AVP ${formats}\r\na=${direction}\r\n`;
}

function said(received: Received): string {
  switch (received.type) {
    case 'agreed':
    case 'answer': {
      const { media } = received.agreement;
      return `${received.type} ${media.codec.codec} to ${media.remote?.port} ${media.direction}`;
    }
    case 'refused':
      return `refused ${received.refusal.status}`;
    case 'ignored':
      return 'ignored';
  }
}

/** Runs a script and writes down what came of each step. */
class Script {
  readonly negotiation = new Negotiation('7');
  readonly lines: string[] = [];

  offer(capabilities: Capabilities = us): this {
    const sdp = this.negotiation.offer(capabilities);
    return this.#note(`offer ${/o=- 7 (\d+)/.exec(sdp)?.[1]} ${/a=(\w*(?:only|recv|inactive)\w*)/.exec(sdp)?.[1]}`);
  }

  receive(sdp: string, delivery: Delivery = 'reliable'): this {
    return this.#note(said(this.negotiation.receive(sdp, delivery, us)));
  }

  modified(sdp: string): this {
    return this.#note(said(this.negotiation.receiveOffer(sdp, us)));
  }

  withdraw(): this {
    this.negotiation.withdraw();
    return this.#note('withdrawn');
  }

  settle(): this {
    return this.#note(`settled ${this.negotiation.settle()?.media.remote?.port}`);
  }

  #note(what: string): this {
    this.lines.push(`${what} -> ${this.negotiation.state}`);
    return this;
  }
}

describe('RFC 6337 §2.1, the ways of an offer and its answer', () => {
  test('pattern 1: offer in INVITE, answer in 2xx', () => {
    expect(new Script().offer().receive(theirs(1)).lines).toEqual([
      'offer 1 sendrecv -> offered',
      'agreed pcmu to 6000 sendrecv -> agreed',
    ]);
  });

  test('pattern 1 with a preview: the answer in an unreliable 18x is seen, the same in the 2xx says nothing new', () => {
    expect(new Script().offer().receive(theirs(1), 'unreliable').receive(theirs(1), 'unreliable').receive(theirs(1)).lines).toEqual([
      'offer 1 sendrecv -> offered',
      'agreed pcmu to 6000 sendrecv -> previewed',
      'ignored -> previewed',
      'ignored -> agreed',
    ]);
  });

  test('a 2xx that differs from its preview is believed: early announcements come from elsewhere', () => {
    expect(
      new Script()
        .offer()
        .receive(theirs(1, 6000), 'unreliable')
        .receive(theirs(1, 7000, '8'))
        .lines.slice(1),
    ).toEqual(['agreed pcmu to 6000 sendrecv -> previewed', 'agreed pcma to 7000 sendrecv -> agreed']);
  });

  test('a 2xx without a description settles for the preview', () => {
    expect(new Script().offer().receive(theirs(1, 6000), 'unreliable').settle().lines.slice(2)).toEqual(['settled 6000 -> agreed']);
    expect(new Script().offer().settle().lines).toEqual(['offer 1 sendrecv -> offered', 'settled undefined -> offered']);
  });

  test('patterns 2 and 3: offer in the 2xx or in a reliable 1xx, our answer in ACK or PRACK', () => {
    expect(new Script().receive(theirs(1)).lines).toEqual(['answer pcmu to 6000 sendrecv -> agreed']);
  });

  test('RFC 3262 §5: an unreliable 1xx to an INVITE without offer offers nothing', () => {
    expect(new Script().receive(theirs(1), 'unreliable').lines).toEqual(['ignored -> idle']);
  });

  test('patterns 4 to 6: after the first exchange either side offers again, by PRACK, UPDATE or re-INVITE', () => {
    const script = new Script()
      .offer()
      .receive(theirs(1))
      .modified(theirs(2, 6000, '0', 'sendonly'))
      .offer({ ...us, direction: 'sendonly' });
    expect(script.receive(theirs(3, 6000, '0', 'inactive')).lines.slice(2)).toEqual([
      'answer pcmu to 6000 recvonly -> agreed',
      'offer 3 sendonly -> offered',
      'agreed pcmu to 6000 inactive -> agreed',
    ]);
  });
});

describe('what fails leaves the call as it was', () => {
  test('RFC 3261 §14.1: our re-offer is refused; the next one has a version of its own', () => {
    const script = new Script()
      .offer()
      .receive(theirs(1))
      .offer({ ...us, direction: 'sendonly' })
      .withdraw();
    expect(script.negotiation.agreement?.media.direction).toBe('sendrecv');
    script.offer({ ...us, direction: 'inactive' });
    expect(script.lines.slice(2)).toEqual(['offer 2 sendonly -> offered', 'withdrawn -> agreed', 'offer 3 inactive -> offered']);
  });

  test('RFC 3261 §14.2: their re-offer is refused', () => {
    const script = new Script()
      .offer()
      .receive(theirs(1))
      .modified(theirs(2, 6000, '18'));
    expect(script.lines.at(-1)).toBe('refused 488 -> agreed');
    expect(script.negotiation.agreement?.media.remote?.port).toBe(6000);
  });

  test('their first offer is refused: nothing is agreed', () => {
    expect(new Script().receive(theirs(1, 6000, '18')).lines).toEqual(['refused 488 -> idle']);
  });

  test('their answer is none: the offer is gone, and nothing is agreed', () => {
    expect(
      new Script()
        .offer()
        .receive(theirs(1, 6000, '18'))
        .lines.at(-1),
    ).toBe('refused 488 -> idle');
    expect(
      new Script()
        .offer()
        .receive(theirs(1), 'unreliable')
        .receive(theirs(1, 6000, '18'))
        .lines.at(-1),
    ).toBe('refused 488 -> idle');
  });

  test('a preview that is no answer is passed over', () => {
    expect(
      new Script()
        .offer()
        .receive(theirs(1, 6000, '18'), 'unreliable')
        .receive(theirs(1))
        .lines.slice(1),
    ).toEqual(['refused 488 -> offered', 'agreed pcmu to 6000 sendrecv -> agreed']);
  });

  test('the early media of a call that is refused is no agreement any more', () => {
    const script = new Script().offer().receive(theirs(1), 'unreliable').withdraw();
    expect(script.negotiation.agreement).toBeUndefined();
  });
});

describe('two at once', () => {
  test('§14.1 glare: ours got 491 and waits; theirs comes, is answered, and ours stands on it when it goes again', () => {
    const script = new Script()
      .offer()
      .receive(theirs(1))
      .offer({ ...us, direction: 'sendonly' });
    script
      .modified(theirs(2, 7000, '0', 'sendonly'))
      .offer({ ...us, direction: 'sendonly' })
      .receive(theirs(3, 7000, '0', 'inactive'));
    expect(script.lines.slice(2)).toEqual([
      'offer 2 sendonly -> offered',
      'answer pcmu to 7000 recvonly -> agreed',
      'offer 4 sendonly -> offered',
      'agreed pcmu to 7000 inactive -> agreed',
    ]);
  });

  test('§13.2.2.4 forks: each early dialog answers the one offer for itself', () => {
    const first = new Negotiation('7');
    first.offer(us);
    const [a, b] = [first.fork(), first.fork()];
    expect(said(a.receive(theirs(1, 6000), 'unreliable', us))).toBe('agreed pcmu to 6000 sendrecv');
    expect(said(b.receive(theirs(1, 7000, '8'), 'unreliable', us))).toBe('agreed pcma to 7000 sendrecv');
    expect(said(a.receive(theirs(1, 6000), 'reliable', us))).toBe('ignored');
    expect([first.state, a.state, b.state]).toEqual(['offered', 'agreed', 'previewed']);
  });

  test('a refresh offers what stands, word for word: the version stays (RFC 3264 §8)', () => {
    const negotiation = new Negotiation('7', 40);
    const first = negotiation.offer(us);
    negotiation.receive(theirs(1), 'reliable', us);
    expect(negotiation.offer(us)).toBe(first);
    negotiation.receive(theirs(1), 'reliable', us);
    const answered = negotiation.receiveOffer(theirs(1), us);
    expect(answered.type === 'answer' && negotiation.localSdp === answered.sdp).toBe(true);
    const again = negotiation.receiveOffer(theirs(1), us);
    expect(again).toMatchObject({ type: 'answer', sdp: answered.type === 'answer' ? answered.sdp : '' });
  });
});
