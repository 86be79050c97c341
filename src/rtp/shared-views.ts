/**
 * Shared memory as numbers of two kinds. Every room that lies in one memory reads it through the same two arrays, at offsets of its own:
 * an array for each room would be an object more for each, cold whenever its stream's turn comes.
 */
export class SharedViews {
  readonly words: Int32Array;
  readonly samples: Int16Array;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, memory.byteLength >> 2);
    this.samples = new Int16Array(memory, 0, memory.byteLength >> 1);
  }
}
