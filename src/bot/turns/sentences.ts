/** A text, or one that is still being written, cut into what can be spoken: whole sentences as soon as they are whole. */

/** Longer is cut at a space: a voice must begin some time. */
const MOST = 300;
/** A full stop behind these ends no sentence. */
const SHORT = /(?:^|[\s(])(?:[A-Z]|Dr|Mr|Mrs|Ms|Prof|St|No|vs|e\.g|i\.e)\.$/;
const END = /[.!?…:;]["')\]]*\s|[。！？]|\n/g;

export async function* sentencesOf(text: string | AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of typeof text === 'string' ? [text] : text) {
    rest += piece;
    for (let end = endOf(rest); end > 0; end = endOf(rest)) {
      const sentence = rest.slice(0, end).trim();
      rest = rest.slice(end);
      if (/[\p{L}\p{N}]/u.test(sentence)) yield sentence;
    }
  }
  if (/[\p{L}\p{N}]/u.test(rest)) yield rest.trim();
}

/** Where the first whole sentence ends; 0: there is none yet. */
function endOf(text: string): number {
  for (const match of text.matchAll(END)) {
    const end = match.index + match[0].length;
    if (end > MOST) break;
    if (!SHORT.test(text.slice(0, end).trimEnd())) return end;
  }
  if (text.length <= MOST) return 0;
  const space = text.lastIndexOf(' ', MOST);
  return space > 0 ? space + 1 : MOST;
}
