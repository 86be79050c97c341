/** A worker that answers questions, each once, in any order. It keeps no process alive. */
import { Worker } from 'node:worker_threads';

export class Thread<Question extends object, Answer> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  #count = 0;

  constructor(script: URL, workerData?: unknown) {
    this.#worker = new Worker(script, { workerData, execArgv: ['--no-warnings'] });
    this.#worker.unref();
    this.#worker.on('message', ({ id, result, failure }: { id: number; result: Answer; failure?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (failure === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(failure));
      if (this.#waiting.size === 0) this.#worker.unref();
    });
    this.#worker.on('error', (error) => {
      for (const waiting of this.#waiting.values()) waiting.reject(error instanceof Error ? error : new Error(String(error)));
      this.#waiting.clear();
    });
  }

  ask(question: Question): Promise<Answer> {
    const id = this.#count++;
    this.#worker.ref();
    this.#worker.postMessage({ id, ...question });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  close(): Promise<number> {
    return this.#worker.terminate();
  }
}
