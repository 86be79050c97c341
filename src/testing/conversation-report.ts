/** What conversations came to: turns, how long the caller waited, who was interrupted and how fast it was silent, which words arrived. */
import type { Turn } from '../bot.js';
import type { Deed } from './simulated-caller.js';
import type { WireTrack } from './wire-track.js';

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  readonly of: number;
}

/** So many of so many. */
export interface Share {
  readonly of: number;
  readonly done: number;
}

export interface ConversationResult {
  readonly number: number;
  readonly seed: number;
  readonly script: string;
  readonly durationMs: number;
  /** As the bot logged them; empty for one in another process. */
  readonly turns: readonly Turn[];
  /** From the caller's last sample that sounds to the bot's first on the wire, as it arrived at the caller. */
  readonly latencyMs: readonly number[];
  /** From the first sample of an interruption to the bot's last; NaN (null in JSON) where it talked on. */
  readonly stopMs: readonly number[];
  /** Coughs over the bot's speech, and those behind which it spoke on. */
  readonly coughs: Share;
  /** Keys pressed, and those that the bot heard, in order. */
  readonly keys: Share;
  /** Words the caller said, and those that the bot understood, in order. */
  readonly understood: Share;
  /** Words given to the bot's voice, and those that the bot believes were heard. */
  readonly heard: Share;
  /** Of those believed heard: the ones that the caller's ear wrote down. */
  readonly arrived: Share;
  /** Empty: it went as the script wanted it. */
  readonly failures: readonly string[];
}

export interface ConversationReport {
  readonly conversations: number;
  readonly failed: number;
  readonly callMinutes: number;
  readonly turns: { readonly caller: number; readonly bot: number };
  readonly latencyMs: Spread;
  /** The bot's own figure, of its turn log. */
  readonly loggedLatencyMs: Spread;
  readonly interruptions: Share;
  readonly stopMs: Spread;
  readonly coughs: Share;
  readonly keys: Share;
  readonly understood: Share;
  readonly heard: Share;
  readonly arrived: Share;
  readonly results: readonly ConversationResult[];
}

/** The bot is silent when nothing of it was heard for so long. */
const SILENCE_MS = 350;
/** An interruption that was heeded later than this was not. */
const HEEDED_MS = 500;
/** Behind a cough the bot goes on within this. */
const GOES_ON_MS = 300;

export interface Observed {
  readonly deeds: readonly Deed[];
  readonly track: WireTrack;
  readonly turns: readonly Turn[];
  readonly keysHeard: string;
  /** What the caller's ear wrote down, where it has one. */
  readonly writtenDown: string | undefined;
  readonly endedAt: number;
}

export function judge(seen: Observed): Omit<ConversationResult, 'number' | 'seed' | 'script' | 'durationMs' | 'failures'> {
  const { deeds, track, turns, endedAt } = seen;
  const said = deeds.filter(({ kind }) => kind === 'speech');
  const coughs = deeds.filter(({ kind, isOver }) => kind === 'cough' && isOver);
  const heardTurns = turns.filter(({ who }) => who === 'bot');
  const keys = deeds.flatMap(({ kind, text }) => (kind === 'keys' ? [...text] : []));
  const caller = turns.filter(({ who, text }) => who === 'caller' && !/^[\d*#A-D]+$/.test(text));
  const believed = wordsOf(heardTurns.map(({ heard = '' }) => heard));
  return {
    turns,
    latencyMs: deeds.flatMap((deed, i) =>
      deed.kind === 'speech' ? latencyOf(deed, deeds[i + 1]?.startMs ?? endedAt, track, endedAt) : [],
    ),
    stopMs: said.filter(({ isOver }) => isOver).map((deed) => stopOf(deed, track, endedAt)),
    coughs: { of: coughs.length, done: coughs.filter(({ endMs }) => goesOn(endMs, track)).length },
    keys: { of: keys.length, done: inCommon(keys, [...seen.keysHeard]) },
    understood: share(wordsOf(said.map(({ text }) => text)), wordsOf(caller.map(({ text }) => text))),
    heard: share(wordsOf(heardTurns.map(({ text }) => text)), believed),
    arrived: seen.writtenDown === undefined ? { of: 0, done: 0 } : share(believed, wordsOf([seen.writtenDown])),
  };
}

function latencyOf({ startMs, endMs, isOver }: Deed, until: number, track: WireTrack, endedAt: number): number[] {
  // Who was interrupted must have stopped before an answer can begin.
  const stopped = isOver ? track.silentFrom(startMs, SILENCE_MS, endedAt) : endMs;
  if (stopped === undefined) return [];
  const first = track.firstFrom(Math.max(endMs, stopped + 1));
  return first === undefined || first >= until ? [] : [first - endMs];
}

function stopOf({ startMs }: Deed, track: WireTrack, endedAt: number): number {
  const silent = track.silentFrom(startMs, SILENCE_MS, endedAt);
  return silent === undefined || silent - startMs > HEEDED_MS ? Number.NaN : silent - startMs;
}

function goesOn(endMs: number, track: WireTrack): boolean {
  return (track.firstFrom(endMs) ?? Number.POSITIVE_INFINITY) - endMs < GOES_ON_MS;
}

function wordsOf(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []);
}

function share(whole: readonly string[], part: readonly string[]): Share {
  return { of: whole.length, done: inCommon(whole, part) };
}

/** The longest sequence that both have, in order. */
function inCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const one of a) {
    const next = [0];
    for (const [j, other] of b.entries()) next.push(one === other ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    row = next;
  }
  return row.at(-1)!;
}

export function reportOf(results: readonly ConversationResult[]): ConversationReport {
  const turns = results.flatMap((result) => result.turns);
  const stops = results.flatMap(({ stopMs }) => stopMs);
  const sum = (of: (result: ConversationResult) => Share): Share =>
    results.map(of).reduce((a, b) => ({ of: a.of + b.of, done: a.done + b.done }), { of: 0, done: 0 });
  return {
    conversations: results.length,
    failed: results.filter(({ failures }) => failures.length > 0).length,
    callMinutes: results.reduce((all, { durationMs }) => all + durationMs, 0) / 60_000,
    turns: { caller: turns.filter(({ who }) => who === 'caller').length, bot: turns.filter(({ who }) => who === 'bot').length },
    latencyMs: spreadOf(results.flatMap(({ latencyMs }) => latencyMs)),
    loggedLatencyMs: spreadOf(turns.flatMap(({ latencyMs }) => latencyMs ?? [])),
    interruptions: { of: stops.length, done: stops.filter((ms) => !Number.isNaN(ms)).length },
    stopMs: spreadOf(stops.filter((ms) => !Number.isNaN(ms))),
    coughs: sum(({ coughs }) => coughs),
    keys: sum(({ keys }) => keys),
    understood: sum(({ understood }) => understood),
    heard: sum(({ heard }) => heard),
    arrived: sum(({ arrived }) => arrived),
    results,
  };
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.map(Math.round).sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), worst: at(1), of: sorted.length };
}

/** For people; the report itself, as JSON, is for machines. */
export function conversationTable(report: ConversationReport): string {
  const spread = ({ p50, p99, worst, of }: Spread): string => (of === 0 ? 'none' : `p50 ${p50}, p99 ${p99}, worst ${worst} ms of ${of}`);
  const part = ({ of, done }: Share): string => (of === 0 ? 'none' : `${done} of ${of} (${((100 * done) / of).toFixed(1)} %)`);
  const { conversations, failed, callMinutes, turns } = report;
  const rows = [
    ['conversations', `${conversations} in ${callMinutes.toFixed(1)} minutes of calls`],
    ['failed', `${failed}`],
    ['turns of the caller / of the bot', `${turns.caller} / ${turns.bot}`],
    ["end of speech → the bot's first sound on the wire", spread(report.latencyMs)],
    ["the same by the bot's log", spread(report.loggedLatencyMs)],
    ['interruptions heeded', part(report.interruptions)],
    ["first sample → the bot's last sound on the wire", spread(report.stopMs)],
    ['coughs that cost nothing', part(report.coughs)],
    ['keys that arrived', part(report.keys)],
    ["the caller's words that the bot understood", part(report.understood)],
    ["the bot's words that it believes were heard", part(report.heard)],
    ['of those, written down by the caller', part(report.arrived)],
  ];
  const failures = report.results.flatMap(({ number, seed, script, failures: all }) =>
    all.map((failure) => `conversation ${number} (${script}, seed ${seed}): ${failure}`),
  );
  return ['| | |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`), ...failures].join('\n');
}
