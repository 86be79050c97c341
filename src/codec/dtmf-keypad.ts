// The sixteen keys and their two frequencies each (ITU-T Q.23 §6; event codes RFC 4733 §3.2).

export type DtmfDigit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D';

export const dtmfRowsHz = [697, 770, 852, 941] as const;
export const dtmfColumnsHz = [1209, 1336, 1477, 1633] as const;

/** Row by row. */
const keypad = '123A456B789C*0#D';

export function dtmfDigitAt(row: number, column: number): DtmfDigit {
  return keypad[4 * row + column] as DtmfDigit;
}

export function isDtmfDigit(text: string): text is DtmfDigit {
  return text.length === 1 && keypad.includes(text);
}

/** Low and high frequency of a key. */
export function dtmfFrequencies(digit: DtmfDigit): readonly [low: number, high: number] {
  const key = keypad.indexOf(digit);
  return [dtmfRowsHz[key >> 2]!, dtmfColumnsHz[key & 3]!];
}
