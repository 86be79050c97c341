/**
 * The SIP message against the other parsers of npm, the same work for each, in one run: bytes in, values out; values in, bytes out.
 * Values are those a user agent asks of every message: Via (sent-by, branch), From and To (URI, tag), Call-ID, CSeq (number, method), Contact (URI).
 */
import { createRequire } from 'node:module';
import type { SipMessage } from '../src/sip/message/message.js';
import { SipRequest } from '../src/sip/message/message.js';
import { parse } from '../src/sip/message/parse.js';
import { responseTo } from '../src/sip/message/response-to.js';
import { write } from '../src/sip/message/write.js';
import { measure, type Task } from './measure.js';
import { invite, ok } from './messages.js';
import { save, versionsOf } from './report.js';

const require = createRequire(import.meta.url);

/** The others have no types, or types of their own that say nothing here. */
type Loose = { [name: string]: Loose } & ((...args: unknown[]) => Loose) & (new (...args: unknown[]) => Loose);

const npmSip = require('sip') as Loose;
const { SipMessage: DrachtioMessage, parser: drachtio } = require('drachtio-sip') as Loose;
const jssip = require('jssip/lib/Parser') as Loose;
const sipjs = (await import('sip.js/lib/core/messages/parser.js' as string)) as Loose;
const sipjsReply = (await import('sip.js/lib/core/messages/outgoing-response.js' as string)) as Loose;

const quiet = { log() {}, warn() {}, error() {}, debug() {} };

const readOurs = (bytes: Uint8Array): unknown[] => {
  const m = parse(bytes) as SipMessage;
  const { via, from, to, cseq, contact } = m;
  return [via?.host, via?.branch, from?.uriText, from?.tag, to?.uriText, to?.tag, m.callId, cseq?.number, cseq?.method, contact?.uriText];
};

const readNpmSip = (bytes: Buffer): unknown[] => {
  const { headers: h } = npmSip['parse']!(bytes) as Loose;
  const [via, from, to, cseq, contact] = [h!['via']![0]!, h!['from']!, h!['to']!, h!['cseq']!, h!['contact']![0]!];
  return [
    via['host'],
    via['params']!['branch'],
    from['uri'],
    from['params']!['tag'],
    to['uri'],
    to['params']!['tag'],
    h!['call-id'],
    cseq['seq'],
    cseq['method'],
    contact['uri'],
  ];
};

const readDrachtio = (bytes: Buffer): unknown[] => {
  const m = new DrachtioMessage!(bytes.toString());
  const get = (name: string): Loose => m['getParsedHeader']!(name);
  const [via, from, to, cseq, contact] = [get('via')[0]!, get('from'), get('to'), get('cseq'), get('contact')[0]!];
  return [
    via['host'],
    via['params']!['branch'],
    from['uri'],
    from['params']!['tag'],
    to['uri'],
    to['params']!['tag'],
    m['get']!('call-id'),
    cseq['seq'],
    cseq['method'],
    contact['uri'],
  ];
};

const readJssip = (bytes: Buffer): unknown[] => {
  const m = jssip['parseMessage']!(bytes.toString(), {});
  const contact = m['parseHeader']!('contact', 0);
  const { via, from, to } = m as Record<string, Loose>;
  return [
    via!['host'],
    m['via_branch'],
    String(from!['uri']),
    m['from_tag'],
    String(to!['uri']),
    m['to_tag'],
    m['call_id'],
    m['cseq'],
    m['method'],
    String(contact['uri']),
  ];
};

const readSipjs = (bytes: Buffer): unknown[] => {
  const m = sipjs['Parser']!['parseMessage']!(bytes.toString(), quiet);
  const contact = m['parseHeader']!('contact', 0);
  const { via, from, to } = m as Record<string, Loose>;
  return [
    via!['host'],
    m['viaBranch'],
    String(from!['uri']),
    m['fromTag'],
    String(to!['uri']),
    m['toTag'],
    m['callId'],
    m['cseq'],
    m['method'],
    String(contact['uri']),
  ];
};

const six = (bytes: Buffer): Task[] => [
  { name: 'sipbot', run: () => readOurs(bytes) },
  { name: 'sip', run: () => readNpmSip(bytes) },
  { name: 'drachtio-sip', run: () => readDrachtio(bytes) },
  { name: 'jssip', run: () => readJssip(bytes) },
  { name: 'sip.js', run: () => readSipjs(bytes) },
];

/** Start line and Call-ID: what a proxy or a load balancer looks at. */
const least = (bytes: Buffer): Task[] => [
  {
    name: 'sipbot',
    run: () => {
      const m = parse(bytes) as SipMessage;
      return [m.startLine, m.callId];
    },
  },
  {
    name: 'sip',
    run: () => {
      const m = npmSip['parse']!(bytes);
      return [m['method'], m['uri'], m['status'], m['headers']!['call-id']];
    },
  },
  {
    name: 'drachtio-sip',
    run: () => {
      const m = new DrachtioMessage!(bytes.toString());
      return [m['method'], m['uri'], m['status'], m['get']!('call-id')];
    },
  },
  { name: 'jssip', run: () => jssip['parseMessage']!(bytes.toString(), {})['call_id'] },
  { name: 'sip.js', run: () => sipjs['Parser']!['parseMessage']!(bytes.toString(), quiet)['callId'] },
];

const sdp = (parse(ok) as SipMessage).bodyText;
const contact = '<sip:+14155550123@198.51.100.23:5080>';

/** A 200 OK with SDP to the INVITE: made from the request that was read, and written. jssip can only do so inside its transactions. */
const answer = (): Task[] => {
  const ours = parse(invite) as SipRequest;
  const theirs = npmSip['parse']!(invite);
  const drachtioRequest = new DrachtioMessage!(invite.toString());
  const sipjsRequest = sipjs['Parser']!['parseMessage']!(invite.toString(), quiet);
  const jssipRequest = jssip['parseMessage']!(invite.toString(), {});
  let jssipText = '';
  Object.assign(jssipRequest as object, {
    to_tag: undefined,
    ua: { configuration: {}, contact: { toString: () => contact } },
    server_transaction: {
      receiveResponse: (_code: number, text: string) => {
        jssipText = text;
      },
    },
  });
  return [
    {
      name: 'sipbot',
      run: () =>
        write(
          responseTo(ours, 200, {
            toTag: 'as5f2b90c4',
            headers: [
              ['Contact', contact],
              ['Server', 'gw'],
            ],
            contentType: 'application/sdp',
            body: sdp,
          }),
        ),
    },
    {
      name: 'sip',
      run: () => {
        const m = npmSip['makeResponse']!(theirs, 200, 'OK', {
          headers: { contact: [{ uri: 'sip:+14155550123@198.51.100.23:5080' }], server: 'gw', 'content-type': 'application/sdp' },
          content: sdp,
        });
        return Buffer.from(npmSip['stringify']!(m) as unknown as string, 'latin1');
      },
    },
    {
      name: 'drachtio-sip',
      run: () => {
        const m = new DrachtioMessage!();
        Object.assign(m, { status: 200, reason: 'OK', version: '2.0', body: sdp });
        for (const name of ['via', 'from', 'call-id', 'cseq']) m['set']!(name, drachtioRequest['get']!(name));
        m['set']!('to', `${drachtioRequest['get']!('to')};tag=as5f2b90c4`);
        m['set']!({ contact, server: 'gw', 'content-type': 'application/sdp' });
        return Buffer.from(drachtio!['stringifySipMessage']!(m) as unknown as string);
      },
    },
    {
      name: 'jssip',
      run: () => {
        jssipRequest['reply']!(200, 'OK', [`Contact: ${contact}`], sdp);
        return Buffer.from(jssipText);
      },
    },
    {
      name: 'sip.js',
      run: () => {
        const made = sipjsReply['constructOutgoingResponse']!(sipjsRequest, {
          statusCode: 200,
          reasonPhrase: 'OK',
          toTag: 'as5f2b90c4',
          extraHeaders: [`Contact: ${contact}`],
          body: { content: sdp, contentType: 'application/sdp', contentDisposition: 'session' },
        });
        return Buffer.from(made['message'] as unknown as string);
      },
    },
  ];
};

/** The INVITE from values: built header by header and written. jssip and sip.js build requests only for an agent of theirs, with headers of their own. */
const build = (): Task[] => {
  const read = parse(invite) as SipRequest;
  const entries = read.entries
    .filter(([name]) => name !== 'Content-Length')
    .map(([name, value]) => [name, Buffer.from(value).toString()] as const);
  const body = Buffer.from(read.body).toString();
  const uri = read.uri;
  const target = uri.toString();
  return [
    { name: 'sipbot', run: () => write(new SipRequest('INVITE', uri, entries, body)) },
    {
      name: 'sip',
      run: () => {
        const headers: Record<string, unknown> = {};
        for (const [name, value] of entries) headers[name.toLowerCase()] = value;
        return Buffer.from(
          npmSip['stringify']!({ method: 'INVITE', uri: target, version: '2.0', headers, content: body }) as unknown as string,
          'latin1',
        );
      },
    },
    {
      name: 'drachtio-sip',
      run: () => {
        const m = new DrachtioMessage!();
        Object.assign(m, { method: 'INVITE', uri: target, version: '2.0', body });
        for (const [name, value] of entries) m['set']!(name, value);
        return Buffer.from(drachtio!['stringifySipMessage']!(m) as unknown as string);
      },
    },
  ];
};

const tables: Readonly<Record<string, { tasks: Task[]; wanted: number }>> = {
  'INVITE, 893 bytes: parse, six headers as values': { tasks: six(invite), wanted: 2 },
  '200 OK, 743 bytes: parse, six headers as values': { tasks: six(ok), wanted: 2 },
  'INVITE: parse, start line and Call-ID': { tasks: least(invite), wanted: 3 },
  '200 OK: parse, start line and Call-ID': { tasks: least(ok), wanted: 3 },
  'write: a 200 OK with SDP to the INVITE': { tasks: answer(), wanted: 2 },
  'write: the INVITE from names and values': { tasks: build(), wanted: 2 },
};

const results: { work: string; parser: string; ns: number; best: number; perSecond: number }[] = [];
let isShort = false;
for (const [work, { tasks, wanted }] of Object.entries(tables)) {
  const timings = measure(tasks);
  const ours = timings[0]!;
  const fastest = Math.min(...timings.slice(1).map(({ ns }) => ns));
  const times = fastest / ours.ns;
  isShort ||= times < wanted;
  console.log(`\n${work}: ${times.toFixed(2)} times the fastest other (wanted: ${wanted})`);
  for (const { name, ns, best } of timings) {
    console.log(
      `  ${name.padEnd(14)}${ns.toFixed(0).padStart(9)} ns${(1e9 / ns / 1000).toFixed(0).padStart(8)} k/s${(ns / ours.ns).toFixed(2).padStart(9)} ×`,
    );
    results.push({ work, parser: name, ns: Math.round(ns), best: Math.round(best), perSecond: Math.round(1e9 / ns) });
  }
}
save('sip', results, versionsOf(['sip', 'drachtio-sip', 'jssip', 'sip.js']));
if (isShort) console.log('\nA figure is short of what is wanted; on a busy machine, run again before believing it.');
