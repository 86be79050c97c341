// What a codec is to the rest of the house: samples in, bytes out, written into the caller's arrays. RFC 3551 §4.

export type CodecName = 'pcmu' | 'pcma' | 'g722' | 'l16' | 'opus';

/** The `a=fmtp` parameters of one payload type, names in lower case. */
export type FormatParameters = Readonly<Record<string, string>>;

export interface CodecOptions {
  /** Of the samples, in Hz. Opus: 8000, 12000, 16000, 24000 or 48000 @default 48000; L16: any @default 16000; the others have only one. */
  readonly sampleRate?: number;
  /** Channels on the wire; samples are always mono here. L16: 1 or 2 @default 1. */
  readonly channels?: number;
  /** What the far end wrote in `a=fmtp` (Opus, RFC 7587 §6.1). An encoder obeys it, a decoder needs none of it. */
  readonly fmtp?: FormatParameters;
}

/** What SDP and RTP must know of a codec before there is one. */
export interface CodecDescription {
  readonly name: CodecName;
  /** As in `a=rtpmap`. */
  readonly encodingName: string;
  readonly staticPayloadType: number | undefined;
  /** Of the samples. */
  readonly sampleRate: number;
  /** Of RTP timestamps and `a=rtpmap`. G.722 says 8000 for 16000 (RFC 3551 §4.5.2), Opus always 48000 (RFC 7587 §4.1). */
  readonly clockRate: number;
  /** As in `a=rtpmap`: Opus always 2 (RFC 7587 §7). */
  readonly channels: number;
  readonly defaultPtimeMs: number;
  /** The packet lengths an encoder takes. */
  readonly ptimesMs: readonly number[];
  /** What we ask of the far end in `a=fmtp`. */
  readonly fmtp: FormatParameters | undefined;
  /** Payload bytes of a packet that long: exact, or for Opus an upper bound at its default rate. */
  bytesPer(ms: number): number;
}

export interface Encoder {
  readonly sampleRate: number;
  readonly clockRate: number;
  /** Encodes `samples[0..count)` to `out[offset..]`; the bytes written, 0 when this frame need not be sent at all (Opus DTX). */
  encode(samples: Int16Array, count: number, out: Uint8Array, offset: number): number;
  /** The loss the far end reports, in percent: how strong the encoder's own protection must be (Opus). */
  expectLoss?(percent: number): void;
  /** Forgets the past. */
  reset(): void;
  /** Gives back memory outside of JavaScript's (Opus); not to be used afterwards. */
  close(): void;
}

export interface Decoder {
  readonly sampleRate: number;
  readonly clockRate: number;
  /** How many samples `decode` would write; 0 for a payload that is none. Costs nothing. */
  samplesIn(payload: Uint8Array, offset: number, length: number): number;
  /** Decodes into `out[at..]`; the samples written, never past the end of `out`. A payload that is none gives 0. */
  decode(payload: Uint8Array, offset: number, length: number, out: Int16Array, at: number): number;
  /** Where the codec hides losses itself (Opus): fills `out[at..at+count)`, from the copy in the packet after the gap when that is given. */
  conceal?(out: Int16Array, at: number, count: number, next?: Uint8Array, offset?: number, length?: number): number;
  reset(): void;
  close(): void;
}
