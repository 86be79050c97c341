/** Date, RFC 3261 §20.17: the RFC 1123 form alone, and GMT alone. */

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const form = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;

/** Undefined when it is malformed, or another zone's, or a day that is not in the calendar. */
export const parseDate = (text: string): Date | undefined => {
  const match = form.exec(text);
  if (!match) return undefined;
  const month = months.indexOf(match[2]!);
  const [day, year, hour, minute, second] = [+match[1]!, +match[3]!, +match[4]!, +match[5]!, +match[6]!];
  if (month === -1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(Date.UTC(year, month, day, hour, minute, second));
  // A leap second is another minute of the same calendar; a 31st of February is none.
  return second === 60 || date.getUTCDate() === day ? date : undefined;
};

export const writeDate = (date: Date): string => date.toUTCString();
