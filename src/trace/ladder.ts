/** SIP messages as the picture that people draw of a call: a column for each party, an arrow for each message, the time beside it. As text and as SVG. */

import { parse } from '../sip/message/parse.js';
import { isParseFailure } from '../sip/message/parse-failure.js';

/** A message as it was on the wire: what the event `trace` gives. */
export interface TracedMessage {
  readonly direction: 'in' | 'out';
  readonly bytes: Uint8Array;
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  /** Milliseconds since 1970. */
  readonly wall: number;
}

export interface Arrow {
  /** Milliseconds after the first. */
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  /** `INVITE sip:600@…`, `200 OK (INVITE)`; what could not be read says so. */
  readonly label: string;
  /** `SDP` where the message describes media. */
  readonly note: string;
  readonly callId: string | undefined;
}

export interface LadderOptions {
  /** What to call an address, `127.0.0.1:5060`. @default the address itself */
  readonly names?: Readonly<Record<string, string>>;
  /** Only this call. @default all */
  readonly callId?: string;
}

/** More than this is no picture any more. */
const MAX_ARROWS = 2000;
const COLUMN = 30;

export class Ladder {
  readonly #options: LadderOptions;
  readonly #arrows: Arrow[] = [];
  readonly #parties: string[] = [];
  #first: number | undefined;
  #left = 0;

  constructor(options: LadderOptions = {}) {
    this.#options = options;
  }

  get arrows(): readonly Arrow[] {
    return this.#arrows;
  }

  /** Columns, in the order in which they first spoke. */
  get parties(): readonly string[] {
    return this.#parties;
  }

  /** undefined: of another call, or past what a picture can hold. */
  add(message: TracedMessage): Arrow | undefined {
    const arrow = this.#read(message);
    if (this.#options.callId !== undefined && arrow.callId !== this.#options.callId) return undefined;
    if (this.#arrows.length >= MAX_ARROWS) {
      this.#left++;
      return undefined;
    }
    this.#arrows.push(arrow);
    for (const party of [arrow.from, arrow.to]) if (!this.#parties.includes(party)) this.#parties.push(party);
    return arrow;
  }

  /** One line for an arrow, as it happens. */
  line(arrow: Arrow): string {
    const from = this.#parties.indexOf(arrow.from);
    const to = this.#parties.indexOf(arrow.to);
    const [low, high] = from < to ? [from, to] : [to, from];
    const text = ` ${arrow.label}${arrow.note === '' ? '' : ` · ${arrow.note}`} `;
    const width = Math.max((high - low) * COLUMN - 1, 4);
    const shown = text.length > width - 2 ? `${text.slice(0, width - 3)}…` : text;
    const dashes = width - 1 - shown.length;
    const shaft = `${'─'.repeat(dashes >> 1)}${shown}${'─'.repeat(dashes - (dashes >> 1))}`;
    const middle = from === to ? `⟲${shown}` : from < to ? `${shaft}▶` : `◀${shaft}`;
    const before = Array.from({ length: low }, () => `│${' '.repeat(COLUMN - 1)}`).join('');
    const after = Array.from({ length: Math.max(0, this.#parties.length - 1 - high) }, () => `${' '.repeat(COLUMN - 1)}│`).join('');
    return `${(arrow.atMs / 1000).toFixed(3).padStart(8)}  ${before}│${middle}│${after}`;
  }

  /** The names over the columns, as they are by now. */
  head(): string {
    return `          ${this.#parties
      .map((party) => party.slice(0, COLUMN - 1).padEnd(COLUMN))
      .join('')
      .trimEnd()}`;
  }

  toText(): string {
    const lines = this.#arrows.map((arrow) => this.line(arrow));
    const rest = this.#left === 0 ? [] : [`… and ${this.#left} more`];
    return [this.head(), ...lines, ...rest].join('\n');
  }

  toSvg(): string {
    const [gap, row, top, side] = [230, 26, 60, 90];
    const width = side * 2 + gap * Math.max(1, this.#parties.length - 1);
    const height = top + row * (this.#arrows.length + 1);
    const x = (party: string): number => side + gap * this.#parties.indexOf(party);
    const columns = this.#parties.map(
      (party) =>
        `<text x="${x(party)}" y="30" text-anchor="middle" font-weight="bold">${escaped(party)}</text>` +
        `<line x1="${x(party)}" y1="40" x2="${x(party)}" y2="${height - 10}" stroke="#bbb"/>`,
    );
    const arrows = this.#arrows.map((arrow, i) => {
      const y = top + row * i + 14;
      const [from, to] = [x(arrow.from), x(arrow.to)];
      const tip = from < to ? to - 2 : to + 2;
      const label = `${arrow.label}${arrow.note === '' ? '' : ` · ${arrow.note}`}`;
      return (
        `<text x="4" y="${y + 4}" fill="#888" font-size="10">${(arrow.atMs / 1000).toFixed(3)}</text>` +
        `<line x1="${from}" y1="${y}" x2="${tip}" y2="${y}" stroke="${colourOf(arrow.label)}" marker-end="url(#tip)"/>` +
        `<text x="${(from + to) / 2}" y="${y - 4}" text-anchor="middle" fill="${colourOf(arrow.label)}">${escaped(shorten(label, 40))}</text>`
      );
    });
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
      '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto"><path d="M0,0 L7,3 L0,6 z" fill="#555"/></marker></defs>',
      '<rect width="100%" height="100%" fill="white"/>',
      ...columns,
      ...arrows,
      '</svg>',
      '',
    ].join('\n');
  }

  #read({ direction, bytes, local, remote, wall }: TracedMessage): Arrow {
    this.#first ??= wall;
    const here = this.#nameOf(local);
    const there = this.#nameOf(remote);
    const message = parse(bytes);
    const known = isParseFailure(message) ? undefined : message;
    return {
      atMs: wall - this.#first,
      from: direction === 'out' ? here : there,
      to: direction === 'out' ? there : here,
      label:
        known === undefined
          ? 'unreadable'
          : known.kind === 'request'
            ? `${known.method} ${known.uri.user ?? ''}`.trim()
            : `${known.status} ${known.reason} (${known.cseq?.method ?? '?'})`,
      note: known !== undefined && (known.header('Content-Type') ?? '').startsWith('application/sdp') ? 'SDP' : '',
      callId: known?.callId,
    };
  }

  #nameOf({ address, port }: TracedMessage['local']): string {
    const key = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    return this.#options.names?.[key] ?? key;
  }
}

function colourOf(label: string): string {
  const status = /^\d/.test(label) ? Number(label[0]) : 0;
  if (status === 0) return '#1f4e99';
  return status === 1 ? '#777' : status === 2 ? '#1b7f3b' : status === 3 ? '#a06a00' : '#b02020';
}

function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
