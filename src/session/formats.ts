// Payload types and what they mean to us: codecs, telephone-event (RFC 4733) and comfort noise (RFC 3389), matched, numbered and given their fmtp.
import type { CodecName, FormatParameters } from '../codec/codec.js';
import { codecOfRtpmap, describeCodec } from '../codec/registry.js';
import type { MediaDescription, RtpFormat } from './sdp.js';

/** A codec under a payload type, ready for the engine. */
export interface AgreedFormat {
  readonly codec: CodecName;
  readonly payloadType: number;
  readonly clockRate: number;
  readonly ptimeMs: number;
  readonly fmtp?: FormatParameters;
}

/** Where the numbers that nobody owns begin (RFC 3551 §6), and where ours are looked for first: what most of the world uses. */
const FIRST_DYNAMIC = 96;
const USUAL_NUMBERS: Readonly<Record<string, number>> = {
  'opus/48000': 111,
  'l16/16000': 118,
  'telephone-event/8000': 101,
  'telephone-event/48000': 110,
  'telephone-event/16000': 100,
  'cn/16000': 105,
};

/** Digits 0-9, *, #, A-D and flash. */
const OUR_EVENTS = '0-16';

/** RFC 7587 §7: what we like to receive. Forward error correction costs nothing until there is loss. */
const OUR_OPUS = 'minptime=10;useinbandfec=1';

/** Our codec behind a payload type; undefined when it is none, or not among `codecs`. L16 in one channel only: the engine carries one. */
export function codecOf(format: RtpFormat, codecs: readonly CodecName[]): CodecName | undefined {
  const name = codecOfRtpmap(format.encoding, format.clockRate, format.channels);
  return name !== undefined && codecs.includes(name) && (name !== 'l16' || format.channels === 1) ? name : undefined;
}

export function isTelephoneEvent(format: RtpFormat): boolean {
  return format.encoding.toLowerCase() === 'telephone-event';
}

export function isComfortNoise(format: RtpFormat): boolean {
  return format.encoding.toLowerCase() === 'cn';
}

/** The same thing under whatever number. G.722's two spellings are one. */
export function isSameFormat(a: RtpFormat, b: RtpFormat): boolean {
  return keyOf(a) === keyOf(b);
}

/** `a=fmtp` as names and values (RFC 8866 §6.15; the `;` list that most formats use). */
export function parseFmtp(text: string | undefined): FormatParameters | undefined {
  if (text === undefined) return undefined;
  const found: Record<string, string> = {};
  for (const part of text.split(';', 32)) {
    const equals = part.indexOf('=');
    const name = part.slice(0, equals).trim().toLowerCase();
    if (equals > 0 && /^[\w-]{1,64}$/.test(name) && name !== '__proto__') found[name] = part.slice(equals + 1).trim();
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

/** How long our packets are: what the far end asks for (RFC 8866 §6.4), as near as the codec can, never past what it bears. */
export function sendPtime(codec: CodecName, line: Pick<MediaDescription, 'ptimeMs' | 'maxptimeMs'>, preferred: number): number {
  const { ptimesMs } = describeCodec(codec);
  const wanted = Math.min(line.ptimeMs ?? preferred, line.maxptimeMs ?? Number.POSITIVE_INFINITY);
  return ptimesMs.findLast((ptime) => ptime <= wanted) ?? ptimesMs[0]!;
}

export function agreedFormat(
  format: RtpFormat,
  codec: CodecName,
  line: Pick<MediaDescription, 'ptimeMs' | 'maxptimeMs'>,
  preferred: number,
): AgreedFormat {
  const fmtp = parseFmtp(format.fmtp);
  const ptimeMs = sendPtime(codec, line, preferred);
  return { codec, payloadType: format.payloadType, clockRate: format.clockRate, ptimeMs, ...(fmtp ? { fmtp } : {}) };
}

/** The answer's line for a format of the offer: same number, same spelling, our own fmtp (RFC 3264 §6.1). */
export function answeredFormat(format: RtpFormat): RtpFormat {
  const { payloadType, encoding, clockRate, channels, fmtp } = format;
  const bare = { payloadType, encoding, clockRate, channels };
  if (isTelephoneEvent(format)) {
    // A phone that names its events is answered with no more than those.
    return { fmtp: fmtp === undefined || /(?:^|,|-)16(?:,|$)/.test(fmtp) ? OUR_EVENTS : '0-15', ...bare };
  }
  return encoding.toLowerCase() === 'opus' ? { fmtp: OUR_OPUS, ...bare } : bare;
}

/**
 * The formats of an offer, numbered. RFC 3264 §8.3.2: within a call a number never comes to mean something else, so `before`, all that either
 * side has said so far, keeps its numbers, and a new format gets one that nobody has used. The order of before stays too: a hold or a refresh
 * must not make the far end choose another codec.
 */
export function offeredFormats(
  codecs: readonly CodecName[],
  extras: { readonly telephoneEvent: boolean; readonly comfortNoise: boolean },
  before: { readonly local: readonly RtpFormat[]; readonly remote: readonly RtpFormat[] },
): RtpFormat[] {
  const wanted: Omit<RtpFormat, 'payloadType'>[] = codecs.map((name) => {
    const { encodingName, clockRate, channels } = describeCodec(name);
    return { encoding: encodingName, clockRate, channels, ...(name === 'opus' ? { fmtp: OUR_OPUS } : {}) };
  });
  const clockRates = [...new Set(wanted.map((format) => format.clockRate))];
  if (extras.comfortNoise) wanted.push({ encoding: 'CN', clockRate: 8000, channels: 1 });
  if (extras.telephoneEvent) {
    // RFC 4733 §2.1: an event keeps the clock of the audio it interrupts, so one for each clock.
    for (const clockRate of clockRates) wanted.push({ encoding: 'telephone-event', clockRate, channels: 1, fmtp: OUR_EVENTS });
  }
  const taken = new Set([...before.local, ...before.remote].map((format) => format.payloadType));
  const place = (format: Omit<RtpFormat, 'payloadType'>) => {
    const at = before.local.findIndex((candidate) => keyOf(candidate) === keyOf(format));
    return at < 0 ? before.local.length : at;
  };
  wanted.sort((a, b) => place(a) - place(b));
  return wanted.map((format) => {
    const known = before.local.find((candidate) => keyOf(candidate) === keyOf(format));
    const payloadType = known?.payloadType ?? freeNumber(format, taken);
    taken.add(payloadType);
    return { ...format, payloadType };
  });
}

function freeNumber(format: Omit<RtpFormat, 'payloadType'>, taken: ReadonlySet<number>): number {
  const key = keyOf(format);
  const fixed = STATIC_NUMBERS[key];
  if (fixed !== undefined) return fixed;
  const usual = USUAL_NUMBERS[key];
  if (usual !== undefined && !taken.has(usual)) return usual;
  for (let number = FIRST_DYNAMIC; number < 128; number++) if (!taken.has(number)) return number;
  // RFC 3551 §3 as RFC 5761 §4 leaves it: when those are used up, the unassigned ones below 64.
  for (let number = 35; number < 64; number++) if (!taken.has(number)) return number;
  return FIRST_DYNAMIC;
}

const STATIC_NUMBERS: Readonly<Record<string, number>> = { 'pcmu/8000': 0, 'pcma/8000': 8, 'g722/8000': 9, 'cn/8000': 13 };

function keyOf(format: Omit<RtpFormat, 'payloadType'>): string {
  const encoding = format.encoding.toLowerCase();
  return `${encoding}/${encoding === 'g722' ? 8000 : format.clockRate}`;
}
