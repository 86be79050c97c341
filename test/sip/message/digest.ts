/** All that a user agent does with a message from a stranger, and more: every getter there is, read to the bottom. For tests of hostile input. */
import { check } from '../../../src/sip/message/check.js';
import type { ParseLimits } from '../../../src/sip/message/limits.js';
import { findBody } from '../../../src/sip/message/multipart.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure } from '../../../src/sip/message/parse-failure.js';
import { responseTo, responseToFailure } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';

/** Every typed getter there is, found in the class itself, so that a new one is not forgotten. */
export const getters = (message: object): string[] => {
  const names: string[] = [];
  for (let at = Object.getPrototypeOf(message); at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(at))) if (descriptor.get) names.push(name);
  }
  return names;
};

let depth = 0;

/** Walks into what a getter gave, so that what is lazy inside is read too. */
const touch = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > 4) return;
  depth++;
  if (Array.isArray(value)) for (const item of value.slice(0, 50)) touch(item);
  else {
    for (const name of getters(value)) touch((value as Record<string, unknown>)[name]);
    for (const item of Object.values(value)) touch(item);
    if (String(value).length < 0) throw new Error('never');
  }
  depth--;
};

export const digest = (bytes: Uint8Array, limits?: ParseLimits): 'message' | 'failure' => {
  const message = parse(bytes, limits);
  if (isParseFailure(message)) {
    const response = responseToFailure(message, 'tag');
    if (response) write(response);
    return 'failure';
  }
  const failure = check(message);
  for (const name of getters(message)) touch((message as unknown as Record<string, unknown>)[name]);
  write(message);
  findBody(message, 'application/sdp');
  if (failure !== undefined) responseToFailure(failure, 'tag');
  else if (message.kind === 'request') {
    const again = parse(write(responseTo(message, 200, { toTag: 'tag' })), { ...limits, headBytes: 1 << 21 });
    if (isParseFailure(again)) throw new Error(`our own response is broken: ${again.failure}`);
  }
  const copy = message.clone();
  copy.set('Max-Forwards', '5');
  write(copy);
  return 'message';
};
