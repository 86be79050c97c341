// What a call may be told beforehand, and what all calls of one application share. Resolved once, at the door.
import type { Clock } from '../clock.js';
import type { CodecName } from '../codec/codec.js';
import { OptionError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Random } from '../random.js';
import type { MediaEngine } from '../rtp/engine.js';
import type { FrameMs, MediaStream, SampleRate } from '../rtp/media-stream.js';
import type { Uri } from '../sip/message/uri.js';
import type { OutgoingCall } from '../sip/ua/invite-outgoing.js';
import type { OutgoingInviteOptions } from '../sip/ua/invite-usage.js';
import type { SrtpMode } from './capabilities.js';

export interface CallContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly engine: Pick<MediaEngine, 'open'>;
  /** The IP address to write into our SDP for this stream, towards that peer (its signalling address, when it is known). */
  mediaAddress(stream: MediaStream, remote: string | undefined): string;
  /** Sends an INVITE: `UserAgent.invite`. */
  invite(options: OutgoingInviteOptions): OutgoingCall;
  /** Where a host name in a c= line is. Without it, such a peer is sent to as soon as its own packets show where it is. */
  lookup?(name: string): Promise<string | undefined>;
}

export interface CallOptions {
  /** In our order. @default ['g722', 'pcmu', 'pcma'] */
  readonly codecs?: readonly CodecName[];
  /** Whose order an answer of ours follows (RFC 3264 §6.1). @default 'theirs' */
  readonly codecOrder?: 'theirs' | 'ours';
  /** @default 'accept' */
  readonly srtp?: SrtpMode;
  /** Packet length we like to receive. @default 20 */
  readonly ptimeMs?: number;
  /** What the application hears and says, whatever the codec is. @default 16000 Hz, 20 ms */
  readonly audio?: { readonly sampleRate?: SampleRate; readonly frameMs?: FrameMs };
  /** What the media sockets of this call bind to. @default the engine's */
  readonly rtpHost?: string;
  /** RFC 4733. @default true */
  readonly telephoneEvent?: boolean;
  /** Listen for keys in the audio where telephone-event was not agreed. @default true */
  readonly inbandDtmf?: boolean;
  /** RFC 3389. @default 'accept' */
  readonly comfortNoise?: 'off' | 'accept' | 'offer';
  /** RFC 5761. @default 'accept' */
  readonly rtcpMux?: 'off' | 'accept' | 'offer';
  /** Send to where the peer's packets come from. @default true */
  readonly symmetricRtp?: boolean;
  /** How we hold (RFC 3264 §8.4). @default 'sendonly' */
  readonly holdStyle?: 'sendonly' | 'inactive';
  /** How long a call may go unanswered, either way; 0: for ever. @default 0 */
  readonly ringTimeoutMs?: number;
  /** How long an answered call may last; 0: for ever. @default 0 */
  readonly maxCallMs?: number;
  /** How long neither RTP nor RTCP may come while they should; 0: for ever. @default 0 */
  readonly mediaTimeoutMs?: number;
  /** What a 3xx to a call of ours does: be asked about (`transferRequest`), or followed. @default 'surface' */
  readonly redirects?: 'surface' | 'follow';
  /** How many targets of 3xx a call may try. @default 5 */
  readonly maxRedirects?: number;
  /** Whether a REFER or a 3xx may lead there; where not, nobody is asked. @default anywhere */
  readonly permits?: (target: Uri) => boolean;
}

export type ResolvedCallOptions = Required<Omit<CallOptions, 'audio' | 'rtpHost'>> & {
  readonly rtpHost: string | undefined;
  readonly audio: { readonly sampleRate: SampleRate; readonly frameMs: FrameMs };
};

const DEFAULTS = {
  codecs: ['g722', 'pcmu', 'pcma'],
  codecOrder: 'theirs',
  srtp: 'accept',
  ptimeMs: 20,
  telephoneEvent: true,
  inbandDtmf: true,
  comfortNoise: 'accept',
  rtcpMux: 'accept',
  symmetricRtp: true,
  holdStyle: 'sendonly',
  ringTimeoutMs: 0,
  maxCallMs: 0,
  mediaTimeoutMs: 0,
  redirects: 'surface',
  maxRedirects: 5,
  permits: () => true,
} as const satisfies Required<Omit<CallOptions, 'audio' | 'rtpHost'>>;

export function resolveCallOptions(options: CallOptions): ResolvedCallOptions {
  const { audio, rtpHost } = options;
  for (const name of ['ringTimeoutMs', 'maxCallMs', 'mediaTimeoutMs', 'maxRedirects'] as const)
    if (!((options[name] ?? 0) >= 0)) throw new OptionError(name, 'must be 0 or more');
  if (options.codecs !== undefined && options.codecs.length === 0) throw new OptionError('codecs', 'must name at least one codec');
  return { ...DEFAULTS, ...options, rtpHost, audio: { sampleRate: audio?.sampleRate ?? 16000, frameMs: audio?.frameMs ?? 20 } };
}
