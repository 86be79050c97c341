/** Our application in a trace: does what its lines say, and says what it was told. The same when a trace is recorded and when it is replayed. */
import type { Call, SipBot, TransferRequest } from '../../src/bot.js';

export class Actor {
  readonly #bot: SipBot;
  readonly #tell: (words: string) => void;
  readonly #calls: Call[] = [];
  readonly #requests = new Map<number, TransferRequest>();
  readonly #doing = new Set<Promise<unknown>>();
  /** Every call, as soon as there is one. */
  onCall: ((call: Call) => void) | undefined;

  constructor(bot: SipBot, tell: (words: string) => void) {
    this.#bot = bot;
    this.#tell = tell;
    bot.on('call', (call) => this.#follow(call, `call ${this.#calls.length + 1} comes from ${call.from.user ?? 'nobody'}`));
    bot.on('registered', () => tell('registered'));
    bot.on('registrationFailed', ({ status }) => tell(`registration failed ${status}`));
    bot.on('message', (message) => tell(`message ${JSON.stringify(message.text)}`));
  }

  /** Calls of both directions, as they began. */
  get calls(): readonly Call[] {
    return this.#calls;
  }

  /** One line: a verb, and what it is about. It goes on by itself; what fails is told. */
  perform(line: string): void {
    const doing = this.#perform(line).catch((error: Error & { status?: number; code?: string }) =>
      this.#tell(`failed ${line.split(' ')[0]}: ${error.code ?? error.message}${error.status === undefined ? '' : ` ${error.status}`}`),
    );
    this.#doing.add(doing);
    void doing.finally(() => this.#doing.delete(doing));
  }

  /** All that was begun has ended. */
  async idle(): Promise<void> {
    while (this.#doing.size > 0) await Promise.all(this.#doing);
  }

  async #perform(line: string): Promise<void> {
    const [verb, ...rest] = line.split(' ');
    if (verb === 'start') return this.#bot.start();
    if (verb === 'stop') return this.#bot.stop();
    if (verb === 'dial') {
      const options = rest.length > 1 ? JSON.parse(rest.slice(1).join(' ')) : {};
      await this.#bot.dial(rest[0]!, { ...options, onCall: (call) => this.#follow(call, undefined) });
      return;
    }
    if (verb === 'message') return this.#bot.message(rest[0]!, rest.slice(1).join(' '));
    const number = Number(rest[0]);
    const call = this.#calls[number - 1];
    const [, first, second] = rest;
    if (call === undefined) throw new Error(`there is no call ${rest[0]}`);
    switch (verb) {
      case 'ring':
        return call.ring(first === 'reliable' ? { reliable: 'always' } : {});
      case 'progress':
        return call.progress(first === 'reliable' ? { reliable: 'always' } : {});
      case 'answer':
        return call.answer();
      case 'reject':
        return call.reject(Number(first));
      case 'redirect':
        return call.redirect(first!);
      case 'hangup':
        return call.hangup();
      case 'hold':
        return call.hold();
      case 'resume':
        return call.resume();
      case 'dtmf':
        return call.sendDtmf(first!, second === 'info' ? { via: 'info' } : {});
      case 'text':
        return call.message(rest.slice(1).join(' '));
      case 'transfer': {
        const { outcome, status } = await call.transfer(first === 'call' ? this.#calls[Number(second) - 1]! : first!);
        this.#tell(`call ${number} transfer ${outcome} ${status}`);
        return;
      }
      case 'accept': {
        const next = this.#requests.get(number)?.accept();
        if (next !== undefined) this.#follow(next, undefined);
        return;
      }
      case 'refuse':
        this.#requests.get(number)?.reject();
        return;
      default:
        throw new Error(`there is no verb '${verb}'`);
    }
  }

  #follow(call: Call, words: string | undefined): void {
    if (this.#calls.includes(call)) return;
    this.#calls.push(call);
    const number = this.#calls.length;
    const tell = (said: string): void => this.#tell(`call ${number} ${said}`);
    this.onCall?.(call);
    if (words !== undefined) this.#tell(words);
    call.on('ringing', () => tell('ringing'));
    call.on('early', () => tell('early'));
    call.on('answered', () => tell(`answered in ${call.codec}`));
    call.on('held', ({ by }) => tell(`held by ${by}`));
    call.on('resumed', ({ by }) => tell(`resumed by ${by}`));
    call.on('dtmf', (digit) => tell(`key ${digit}`));
    call.on('message', ({ text }) => tell(`message ${JSON.stringify(text)}`));
    call.on('transferRequest', (request) => {
      this.#requests.set(number, request);
      tell(`asked to go to ${request.targets.join(' or ') || 'whoever calls'} (${request.kind})`);
    });
    call.on('ended', ({ reason, by, status }) => tell(`ended: ${reason} by ${by}, ${status}`));
  }
}
