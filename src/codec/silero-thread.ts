// The thread in which Silero's network listens, for all calls: windows of sound go in, how likely each is speech comes out, in the same order.
import { type MessagePort, Worker } from 'node:worker_threads';
import { SipBotError } from '../errors.js';

/** Who asked; answered once for each window. */
export interface Asking {
  readonly id: number;
  judged(probability: number): void;
}

/** [id, window] while a sound goes on, [id] when it is over. */
type Message = readonly [id: number, window?: Int16Array];

interface Tensor {
  readonly data: Float32Array;
}

/** Of `onnxruntime-web`. */
interface Runtime {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly InferenceSession: { create(model: string | Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: string, values: object, dimensions: readonly number[]) => Tensor;
}

interface Session {
  run(inputs: Readonly<Record<string, Tensor>>): Promise<{ readonly output: Tensor; readonly stateN: Tensor }>;
}

/**
 * What the thread runs: its text, for a package has no file beside it that is found from everywhere. So it may name nothing from outside.
 * The network hears each window after the last eighth of the one before, and has a memory of its own for each sound.
 */
function listen(port: MessagePort, { env, InferenceSession, Tensor }: Runtime, model: string | Uint8Array): void {
  env.wasm.numThreads = 1;
  const sounds = new Map<number, { readonly input: Float32Array; readonly rate: Tensor; state: Tensor }>();
  const loaded = InferenceSession.create(model, { executionProviders: ['wasm'], logSeverityLevel: 3 });
  let turn: Promise<unknown> = loaded.then(() => port.postMessage(-1));
  port.on('message', ([id, window]: Message) => {
    turn = turn.then(async () => {
      if (!window) return sounds.delete(id);
      const { length } = window;
      const sound = sounds.get(id) ?? {
        input: new Float32Array(length * 1.125),
        rate: new Tensor('int64', BigInt64Array.of(BigInt(length * 31.25)), []),
        state: new Tensor('float32', new Float32Array(256), [2, 1, 128]),
      };
      sounds.set(id, sound);
      const { input, rate, state } = sound;
      input.copyWithin(0, length);
      for (let i = 0; i < length; i++) input[length / 8 + i] = window[i]! / 32768;
      const { output, stateN } = await (await loaded).run({ input: new Tensor('float32', input, [1, input.length]), state, sr: rate });
      sound.state = stateN;
      return port.postMessage(output.data[0]);
    });
  });
}

const CODE = `const{parentPort,workerData}=require('node:worker_threads');(${listen})(parentPort,require(workerData.runtime),workerData.model)`;

export class SileroThread {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  /** A thread answers in the order in which it was asked. */
  readonly #asking: Asking[] = [];
  #end: SipBotError | undefined;

  constructor(runtime: string, model: string | Uint8Array) {
    this.#worker = new Worker(CODE, { eval: true, execArgv: [], workerData: { runtime, model } });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (probability: number) => {
        if (probability >= 0) return this.#asking.shift()?.judged(probability);
        // Nobody stays for the sake of a detector.
        this.#worker.unref();
        resolve();
      });
      const end = (cause: unknown): void => {
        this.#end ??= new SipBotError('ERR_AUDIO', 'the thread of Silero has ended', { cause });
        reject(this.#end);
      };
      this.#worker.on('error', end);
      this.#worker.on('exit', end);
    });
    this.ready.catch(() => undefined);
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  ask(who: Asking, window: Int16Array): void {
    if (this.#end) throw this.#end;
    this.#asking.push(who);
    this.#worker.postMessage([who.id, window] satisfies Message);
  }

  forget({ id }: Asking): void {
    if (!this.#end) this.#worker.postMessage([id] satisfies Message);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
