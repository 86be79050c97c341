/** One input made of another: bytes, numbers, words of the grammar, lines, and pieces of other inputs. */
import type { Random } from '../../src/random.js';

const MOST_BYTES = 4096;
const NUMBERS = [0, 1, 0x7f, 0x80, 0xff];

export function mutate(seed: Uint8Array, corpus: readonly Uint8Array[], words: readonly string[], random: Random): Uint8Array {
  const below = (limit: number): number => random.uint32() % Math.max(1, limit);
  let bytes: Uint8Array = Uint8Array.from(seed);
  for (let times = 1 << below(4); times > 0; times--) {
    const at = below(bytes.length + 1);
    const length = 1 + below(1 << below(7));
    switch (below(10)) {
      case 0:
        if (at < bytes.length) bytes[at] = below(256);
        break;
      case 1:
        if (at < bytes.length) bytes[at]! ^= 1 << below(8);
        break;
      case 2:
        if (at < bytes.length) bytes[at] = NUMBERS[below(NUMBERS.length)]!;
        break;
      case 3:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 4:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at));
        break;
      case 5:
      case 6: {
        const word = Buffer.from(words[below(words.length)]!, 'latin1');
        bytes = join(bytes.subarray(0, at), word, bytes.subarray(below(2) === 0 ? at : at + word.length));
        break;
      }
      case 7: {
        const other = corpus[below(corpus.length)]!;
        const from = below(other.length);
        bytes = join(bytes.subarray(0, at), other.subarray(from, from + 4 * length), bytes.subarray(at));
        break;
      }
      case 8:
        bytes = join(bytes.subarray(0, at), random.bytes(length), bytes.subarray(at));
        break;
      default:
        bytes = swapLines(bytes, below);
    }
  }
  return bytes.length > MOST_BYTES ? bytes.subarray(0, MOST_BYTES) : bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Where there are none, halves. */
function swapLines(bytes: Uint8Array, below: (limit: number) => number): Uint8Array {
  const lines = Buffer.from(bytes).toString('latin1').split('\r\n');
  if (lines.length < 2) {
    const middle = below(bytes.length);
    return join(bytes.subarray(middle), bytes.subarray(0, middle));
  }
  const [a, b] = [below(lines.length), below(lines.length)];
  [lines[a], lines[b]] = [lines[b]!, lines[a]!];
  return Uint8Array.from(Buffer.from(lines.join('\r\n'), 'latin1'));
}
