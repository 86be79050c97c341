/** JSON from somebody else: read without trust, looked into without a throw. */

export type Json = { readonly [key: string]: unknown };

/** Undefined: not JSON, or not an object. */
export function readJson(text: string): Json | undefined {
  try {
    return asJson(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function asJson(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** The object there; an empty one when there is none. */
export function part(json: Json | undefined, key: string): Json {
  return asJson(json?.[key]) ?? {};
}

/** Objects of the list there. */
export function parts(json: Json | undefined, key: string): readonly Json[] {
  const list = json?.[key];
  return Array.isArray(list) ? list.map(asJson).filter((one) => one !== undefined) : [];
}

export function text(json: Json | undefined, key: string): string | undefined {
  const value = json?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** A number, or a text that is one. */
export function number(json: Json | undefined, key: string): number | undefined {
  const value = json?.[key];
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof read === 'number' && Number.isFinite(read) ? read : undefined;
}

/** Bytes written in base 64. */
export function bytes(json: Json | undefined, key: string): Uint8Array | undefined {
  const value = text(json, key);
  return value === undefined ? undefined : Buffer.from(value, 'base64');
}
