import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CallTracer, type CallTracerOptions } from '../../src/bot/call-tracer.js';
import { SipBot } from '../../src/bot/sip-bot.js';
import { sineTone } from '../../src/codec/tones.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../src/testing/memory-network.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { TestCaller } from '../../src/testing/test-caller.js';
import { readCapture } from '../../src/trace/pcap.js';

const hasTshark = spawnSync('tshark', ['--version']).status === 0;

/** A bot that answers and plays a tone; a caller who listens for so long, `calls` times. */
async function traced(
  options: CallTracerOptions,
  { calls = 1, ms = 400, stopAfter = 99 } = {},
): Promise<{ tracer: CallTracer; ids: string[] }> {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 5 });
  const bot = new SipBot({
    clock,
    network,
    random: new SeededRandom(3),
    listen: [{ transport: 'udp', host: '10.0.0.1', port: 5060 }],
    rtpHost: '10.0.0.1',
    allow: ['10.0.0.0/8'],
    codecs: ['pcmu'],
  });
  const tracer = new CallTracer(bot, options);
  const ids: string[] = [];
  bot.on('call', async (call) => {
    ids.push(call.id);
    await call.answer();
    call.play(sineTone(440, ms));
  });
  const caller = new TestCaller({ clock, network, host: '10.0.0.2' });
  await caller.until(bot.start());
  for (let i = 0; i < calls; i++) {
    const call = await caller.call(bot);
    await call.listen(ms);
    await call.hangup();
    if (i + 1 === stopAfter) tracer.stop();
  }
  await caller.stop();
  await caller.until(bot.stop());
  return { tracer, ids };
}

describe('the trace of a call', () => {
  test('its SIP alone, unless media is asked for; as text, as SVG and as pcap', async () => {
    const { tracer, ids } = await traced({});
    const trace = tracer.traceOf(ids[0]!)!;
    expect(trace.packets).toEqual([]);
    const text = trace.toText();
    for (const label of ['INVITE', '200 OK (INVITE)', 'ACK', 'BYE', '200 OK (BYE)']) expect(text).toContain(label);
    expect(trace.toSvg()).toContain('200 OK (BYE)');
    expect(readCapture(trace.toPcap()).frames).toHaveLength(trace.messages.length);
  });

  test('with media: every packet both ways, as many as 20 ms frames there were', async () => {
    const { tracer, ids } = await traced({ media: 'on' });
    const { packets } = tracer.traceOf(ids[0]!)!;
    const rtp = packets.filter(({ bytes }) => (bytes[1]! & 0x7f) < 64);
    const out = rtp.filter(({ direction }) => direction === 'out');
    const back = rtp.filter(({ direction }) => direction === 'in');
    expect(out.length).toBeGreaterThanOrEqual(19);
    expect(out.length).toBeLessThanOrEqual(24);
    expect(Math.abs(out.length - back.length)).toBeLessThanOrEqual(3);
    for (const { bytes, remote, local } of out) {
      expect(bytes).toHaveLength(172);
      expect([local.address, remote.address]).toEqual(['10.0.0.1', '10.0.0.2']);
    }
  });

  test('calls are told apart, the oldest are forgotten, and limits hold', async () => {
    const { tracer, ids } = await traced({ media: 'on', maxCalls: 2, maxMessages: 3, maxMediaBytes: 1720 }, { calls: 3, ms: 300 });
    expect([...tracer.traces.keys()]).toEqual(ids.slice(1));
    for (const trace of tracer.traces.values()) {
      expect(trace.messages).toHaveLength(3);
      expect(trace.packets.length).toBeLessThanOrEqual(10);
      expect(trace.leftOut).toBeGreaterThan(10);
    }
  });

  test('stopped, calls leave no trace any more', async () => {
    const { tracer, ids } = await traced({ media: 'on' }, { calls: 3, stopAfter: 1 });
    expect(ids).toHaveLength(3);
    expect([...tracer.traces.keys()]).toEqual(ids.slice(0, 1));
  });

  test.skipIf(!hasTshark)(
    'tshark reads the call, finds its RTP by the SDP, and every checksum right (skipped where it is not installed)',
    async () => {
      const { tracer, ids } = await traced({ media: 'on' });
      const trace = tracer.traceOf(ids[0]!)!;
      const folder = mkdtempSync(join(tmpdir(), 'sipbot-pcap-'));
      const file = join(folder, 'call.pcap');
      writeFileSync(file, trace.toPcap());
      const fields = ['sip.Method', 'sip.Status-Code', 'rtp.ssrc', 'ip.checksum.status', 'udp.checksum.status', '_ws.malformed'];
      const shown = execFileSync(
        'tshark',
        [
          ...['-r', file, '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-T', 'fields'],
          ...fields.flatMap((field) => ['-e', field]),
        ],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      );
      rmSync(folder, { recursive: true });
      const rows = shown
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t'));
      expect(rows).toHaveLength(trace.messages.length + trace.packets.length);
      expect(rows.filter(([method]) => method !== '').map(([method]) => method)).toEqual(['INVITE', 'ACK', 'BYE']);
      expect(rows.filter((row) => row[2] !== '' && row[2] !== undefined).length).toBeGreaterThan(35);
      for (const row of rows) expect([row[3], row[4], row[5] ?? '']).toEqual(['1', '1', '']);
    },
  );
});
