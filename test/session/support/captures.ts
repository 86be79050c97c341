/** The session descriptions inside recorded packets: enough of pcap and pcapng to get at the payloads, and no more. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const testData = process.env['SIPBOT_TEST_DATA'];

export interface Sample {
  readonly name: string;
  readonly text: string;
}

/** Every frame of a capture, in either file format and either byte order. */
function framesOf(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  if (file.readUInt32BE(0) === 0x0a0d0d0a) {
    const little = file.readUInt32LE(8) === 0x1a2b3c4d;
    const word = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
    for (let at = 0; at + 12 <= file.length; at += word(at + 4)) {
      if (word(at) === 6) frames.push(file.subarray(at + 28, at + 28 + word(at + 20)));
      if (word(at + 4) < 12) break;
    }
    return frames;
  }
  const little = file.readUInt32LE(0) === 0xa1b2c3d4;
  const word = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  for (let at = 24; at + 16 <= file.length; at += 16 + word(at + 8)) frames.push(file.subarray(at + 16, at + 16 + word(at + 8)));
  return frames;
}

/** The bodies of `application/sdp` found in the frames: from `v=0` to the end of the frame, which holds for UDP and for short TCP messages. */
export function sdpInCaptures(): Sample[] {
  if (testData === undefined) return [];
  const folder = join(testData, 'captures-dev');
  const found = new Map<string, Sample>();
  for (const name of readdirSync(folder).filter((file) => /\.pcap(ng)?$/.test(file))) {
    for (const [index, frame] of framesOf(readFileSync(join(folder, name))).entries()) {
      const text = frame.toString('latin1');
      const body = text.indexOf('\r\n\r\nv=0');
      if (body < 0 || !text.includes('SIP/2.0')) continue;
      const sdp = text.slice(body + 4);
      if (!found.has(sdp)) found.set(sdp, { name: `${name} frame ${index + 1}`, text: sdp });
    }
  }
  return [...found.values()];
}

export function sdpFiles(): Sample[] {
  if (testData === undefined) return [];
  const folder = join(testData, 'sdp-dev', 'sdp-transform');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sdp'))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

/** The seeds of somebody else's fuzzing of the same grammar. */
export function sdpFuzzSeeds(): Sample[] {
  if (testData === undefined) return [];
  const folder = join(testData, 'fuzz-seeds-pjproject');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /sdp/i.test(file) && !/\.(md|json)$/.test(file))
    .sort()
    .flatMap((name) => {
      try {
        return [{ name, text: readFileSync(join(folder, name), 'latin1') }];
      } catch {
        return [];
      }
    });
}
