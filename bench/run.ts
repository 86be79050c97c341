/**
 * `npm run bench -- NAME…`: runs the benches named, one after the other, each in a process of its own. A new one is a row below and a file beside this one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Bench {
  readonly file: string;
  readonly what: string;
  /** Compares with packages of bench/package.json, which are installed when they are not there. */
  readonly needsOthers: boolean;
}

const benches: Readonly<Record<string, Bench>> = {
  codec: {
    file: 'codec.bench.ts',
    what: 'G.711, G.722, Opus and resampling, against alawmulaw, @evan/opus, speex-resampler, libsamplerate',
    needsOthers: true,
  },
  calls: {
    file: 'calls.ts',
    what: 'N echo calls, ours beside Asterisk, SIPp, baresip and bare sockets: CPU, memory, punctuality [--calls 100,1000 --hold 20 --media plain,srtp]',
    needsOthers: false,
  },
  growth: {
    file: 'growth.ts',
    what: 'how cost grows with calls and with calls a second: a line, its fit, a plot [--write]',
    needsOthers: false,
  },
  'engine-work': { file: 'engine-work.ts', what: 'what the engine itself does for a pair of packets, without sockets', needsOthers: false },
  punctual: {
    file: 'punctual.ts',
    what: 'departures while the application blocks its thread [--blocks 200/500,100/300]; drift over --minutes 10',
    needsOthers: false,
  },
  threads: {
    file: 'threads.ts',
    what: 'how many streams one media thread carries, and two, until they are late [--limit 5]',
    needsOthers: false,
  },
  'barge-in': {
    file: 'barge-in.ts',
    what: "from the caller's first sample to the bot softer, and silent, at the caller [--times 30]",
    needsOthers: false,
  },
  latency: {
    file: 'latency.ts',
    what: 'what the bot adds: sound in to event, write to wire, at 1, 50 and 200 calls [--calls 1,50,200 --seconds 10]',
    needsOthers: false,
  },
  vad: { file: 'vad.ts', what: "voice detectors on speech in noise, beside WebRTC's (needs SIPBOT_TEST_DATA)", needsOthers: false },
  sip: { file: 'sip.bench.ts', what: 'parse and write SIP messages, against npm sip, drachtio-sip, jssip, sip.js', needsOthers: true },
  cps: {
    file: 'cps.bench.ts',
    what: 'what a call costs and how many a second, without and with media, beside SIPp uas and Asterisk 22 [--limit]',
    needsOthers: false,
  },
  startup: { file: 'startup.ts', what: 'import and require of the built package, and bot.start() until registered', needsOthers: false },
  srtp: {
    file: 'srtp.bench.ts',
    what: 'protect and unprotect SRTP packets, against werift and objects of node:crypto for each packet',
    needsOthers: true,
  },
  rtp: {
    file: 'rtp.bench.ts',
    what: 'read and write RTP packets, against rtp.js and werift; what our receive side costs',
    needsOthers: true,
  },
};

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const run = (command: string, args: readonly string[]): number => spawnSync(command, args, { stdio: 'inherit' }).status ?? 1;

const [name, ...rest] = process.argv.slice(2);
const bench = name === undefined ? undefined : benches[name];

if (bench === undefined) {
  console.log(
    `npm run bench -- NAME\n${Object.entries(benches)
      .map(([key, { what }]) => `  ${key.padEnd(12)} ${what}`)
      .join('\n')}`,
  );
  process.exitCode = name === undefined ? 0 : 2;
} else {
  if (bench.needsOthers && !existsSync(here('node_modules'))) {
    console.log('installing the packages to compare with (npm --prefix bench ci) …');
    if (run('npm', ['--prefix', here('.'), 'ci', '--ignore-scripts', '--no-audit', '--no-fund']) !== 0) {
      console.error('that failed: run `npm --prefix bench ci` by hand, then again');
      process.exit(1);
    }
  }
  process.exitCode = run(process.execPath, ['--import', 'tsx', here(bench.file), ...rest]);
}
