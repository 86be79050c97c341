/** One-way audio, the commonest complaint: an echo number is called, a tone said, and what comes back is measured. */
import type { Call, SipBot } from '../../bot.js';
import { sineTone } from '../../codec/tones.js';
import { CallError } from '../../errors.js';
import { pause } from '../terminal.js';
import { type Finding, note, ok, skipped, wrong } from './finding.js';

const TONE_HZ = 1000;
/** Of the energy of a frame: the tone, through whatever codec; and in so many frames, so that no word of an announcement passes for it. */
const ENOUGH = 0.5;
const ENOUGH_FRAMES = 10;
/** -60 dB: below it a line is silent. */
const SILENCE = 32;
const TOO_LATE_MS = 400;
const TOO_LOST = 0.03;

export async function audioBothWays(
  bot: SipBot,
  number: string | undefined,
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<Finding[]> {
  if (number === undefined) return [skipped('audio', '--echo number (and an account that is registered) calls a number that echoes')];
  try {
    const call = await bot.dial(number, { timeoutMs: 30_000, signal, redirects: 'follow' });
    const heard: Int16Array[] = [];
    call.audio.on('frame', (frame) => heard.push(frame.samples));
    call.play(sineTone(TONE_HZ, seconds * 1000));
    await pause(seconds * 1000 + 500, signal);
    const findings = judge(call, heard);
    await call.hangup();
    return findings;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return [wrong(`the call to ${number} failed: ${error.message}`, 'is it a number that answers by itself?')];
  }
}

function judge(call: Call, heard: readonly Int16Array[]): Finding[] {
  const stats = call.stats();
  if (stats === undefined || stats.receivedPackets === 0)
    return [
      wrong(
        'nothing is heard: no packet of theirs arrives',
        'they send to the address in our SDP: behind NAT set publicAddress; let UDP in on the media ports (rtpPorts) in the firewall',
      ),
    ];
  const { toned, loudest } = toneIn(heard, call.sampleRate);
  const figures = `${stats.sentPackets} packets sent, ${stats.receivedPackets} heard, ${stats.receivedLost} lost`;
  const findings: Finding[] = [];
  if (loudest < SILENCE)
    findings.push(
      wrong(
        `they are silent, though their packets arrive (${figures}): our audio does not reach them, or nothing echoes there`,
        'let UDP out from the media ports; is it really an echo number?',
      ),
    );
  else if (toned < ENOUGH_FRAMES)
    findings.push(note(`audio is heard, but not our tone (${figures})`, 'an announcement, perhaps: --seconds 10 waits for its end'));
  else findings.push(ok(`audio goes both ways, in ${call.codec} (${figures})`));
  if (stats.receivedExpected > 0 && stats.receivedLost / stats.receivedExpected > TOO_LOST)
    findings.push(
      wrong(
        `${((100 * stats.receivedLost) / stats.receivedExpected).toFixed(1)} % of the packets are lost`,
        'the line is overloaded, or a queue is: give voice its own (DSCP EF)',
      ),
    );
  if (stats.rttMs > TOO_LATE_MS)
    findings.push(note(`the round trip takes ${Math.round(stats.rttMs)} ms: people will talk over each other`));
  return findings;
}

/** How many frames hold the tone, and the loudest sample of all. */
function toneIn(frames: readonly Int16Array[], rate: number): { readonly toned: number; readonly loudest: number } {
  let toned = 0;
  let loudest = 0;
  const step = (2 * Math.PI * TONE_HZ) / rate;
  for (const samples of frames) {
    let [re, im, energy] = [0, 0, 0];
    samples.forEach((sample, i) => {
      re += sample * Math.cos(step * i);
      im += sample * Math.sin(step * i);
      energy += sample * sample;
      loudest = Math.max(loudest, Math.abs(sample));
    });
    if (energy > SILENCE * SILENCE * samples.length && (2 * (re * re + im * im)) / (samples.length * energy) > ENOUGH) toned++;
  }
  return { toned, loudest };
}
