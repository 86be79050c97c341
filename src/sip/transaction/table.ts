/**
 * A map whose entries come and go by the thousand a second. The engine lays a map out anew when it fills, and the old layout, once it has grown old,
 * keeps the new one and everything that ever was in either, until the next full collection. So values lie in boxes, emptied when they are taken out.
 * Keys are texts of their own: one cut from a message would keep the whole message.
 */
interface Box<V> {
  value: V | undefined;
}

export class Table<V> {
  readonly #boxes = new Map<string, Box<V>>();

  get size(): number {
    return this.#boxes.size;
  }

  get(key: string): V | undefined {
    return this.#boxes.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#boxes.has(key);
  }

  set(key: string, value: V): void {
    const box = this.#boxes.get(key);
    if (box !== undefined) {
      box.value = value;
      return;
    }
    // A joined text is a tree of its parts, and a part a window on what it was cut from; asked for a character, it is laid out flat.
    key.charCodeAt(0);
    this.#boxes.set(key, { value });
  }

  delete(key: string): void {
    const box = this.#boxes.get(key);
    if (box === undefined) return;
    box.value = undefined;
    this.#boxes.delete(key);
  }

  /** Those that are there now: entries may come and go while they are gone through. */
  values(): V[] {
    return Array.from(this.#boxes.values(), (box) => box.value!);
  }
}
