/** The two messages that every parser here reads: an INVITE of 893 bytes and a 200 OK of 743, as phones and trunks send them. */

const build = (length: number, head: readonly string[], body: readonly string[]): Buffer => {
  const text = body.join('\r\n');
  const make = (padding: string): string =>
    [...head.map((line) => line.replace('{pad}', padding)), `Content-Length: ${text.length}`, '', text].join('\r\n');
  const missing = length - make('').length;
  if (missing < 0) throw new Error(`the message is ${-missing} bytes too long`);
  return Buffer.from(make('x'.repeat(missing)), 'latin1');
};

const sdp = (address: string, formats: string): string[] => [
  'v=0',
  `o=- 3724394400 3724394400 IN IP4 ${address}`,
  's=call',
  `c=IN IP4 ${address}`,
  't=0 0',
  `m=audio 49170 RTP/AVP ${formats}`,
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=sendrecv',
  '',
];

export const invite = build(
  893,
  [
    'INVITE sip:+14155550123@sip.biloxi.example.com;transport=udp SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKPj3f2a9c51e0b7',
    'Max-Forwards: 70',
    'From: "Alice Liddell" <sip:alice@atlanta.example.com>;tag=8d2c41f0a97b',
    'To: <sip:+14155550123@sip.biloxi.example.com>',
    'Contact: <sip:alice@192.0.2.10:5060;ob>',
    'Call-ID: 3c26f8a0-51b2-4d0e-9f5d-7a1b6f0c2e44',
    'CSeq: 21042 INVITE',
    'Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, REFER, NOTIFY',
    'Supported: replaces, 100rel, timer, norefersub',
    'Session-Expires: 1800',
    'Min-SE: 90',
    'User-Agent: phone/2.17{pad}',
    'Content-Type: application/sdp',
  ],
  sdp('192.0.2.10', '0 8 101'),
);

export const ok = build(
  743,
  [
    'SIP/2.0 200 OK',
    'Via: SIP/2.0/UDP 192.0.2.10:5060;rport=5060;received=192.0.2.10;branch=z9hG4bKPj3f2a9c51e0b7',
    'Record-Route: <sip:198.51.100.4;lr>',
    'From: "Alice Liddell" <sip:alice@atlanta.example.com>;tag=8d2c41f0a97b',
    'To: <sip:+14155550123@sip.biloxi.example.com>;tag=as5f2b90c4',
    'Contact: <sip:+14155550123@198.51.100.23:5080>',
    'Call-ID: 3c26f8a0-51b2-4d0e-9f5d-7a1b6f0c2e44',
    'CSeq: 21042 INVITE',
    'Server: gw{pad}',
    'Content-Type: application/sdp',
  ],
  sdp('198.51.100.23', '0 101'),
);
