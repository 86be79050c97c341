/** A service at the other end of a wire, made of arrays: what it was told, and what it says when a test makes it. Nothing comes before its turn. */
import type { Message, MessageWire, WireEvents, WireOpener, WireTarget } from '../../../src/bot/wire/message-wire.js';

export class FakeConnection implements MessageWire {
  readonly target: WireTarget;
  readonly received: Message[] = [];
  /** What the service has not read. */
  queuedBytes = 0;
  /** Does it answer pings? */
  answers = true;
  pings = 0;
  closedWith: number | 'destroyed' | undefined;
  onMessage: ((message: Message) => void) | undefined;
  readonly #events: WireEvents;
  #isOver = false;

  constructor(target: WireTarget, events: WireEvents) {
    this.target = target;
    this.#events = events;
  }

  // ── Our end ──

  send(message: Message): void {
    this.received.push(message);
    this.onMessage?.(message);
  }

  ping(): void {
    this.pings++;
    if (this.answers) queueMicrotask(() => !this.#isOver && this.#events.onPong?.());
  }

  isPaused = false;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code = 1000): void {
    this.closedWith = code;
    this.#isOver = true;
  }

  destroy(): void {
    this.closedWith = 'destroyed';
    this.#isOver = true;
  }

  // ── The service's end ──

  open(): void {
    if (!this.#isOver) this.#events.onOpen();
  }

  say(message: Message | object): void {
    if (!this.#isOver)
      this.#events.onMessage(typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message));
  }

  lose(code = 1006, reason = 'lost'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onClose({ code, reason });
  }

  pong(): void {
    this.#events.onPong?.();
  }

  /** Its text messages, parsed. */
  get texts(): Record<string, unknown>[] {
    return this.received.filter((one) => typeof one === 'string').map((one) => JSON.parse(one as string) as Record<string, unknown>);
  }

  get sound(): Buffer {
    return Buffer.concat(this.received.filter((one) => typeof one !== 'string') as Uint8Array[]);
  }
}

export class FakeService {
  readonly connections: FakeConnection[] = [];
  /** The next so many connections are refused. */
  refusals = 0;
  refusedWith = 1006;
  onConnection: ((connection: FakeConnection) => void) | undefined;

  readonly connect: WireOpener = (target, events) => {
    const connection = new FakeConnection(target, events);
    this.connections.push(connection);
    queueMicrotask(() => {
      if (this.refusals > 0) {
        this.refusals--;
        connection.lose(this.refusedWith, 'refused');
      } else {
        this.onConnection?.(connection);
        connection.open();
      }
    });
    return connection;
  };

  get last(): FakeConnection {
    return this.connections.at(-1)!;
  }
}
