/** SIP messages fit to be shown: digests, their nonces and SRTP keys are blanked, in place, so that lengths and everything else stay as they were. */

/** Authorization and its kin up to the end of their (folded) lines; `inline:` keys of a=crypto (RFC 4568 §9.2). */
const SECRETS = /^((?:proxy-)?authorization[ \t]*:[ \t]*\w+)((?:[^\r\n]|\r?\n[ \t])*)|(a=crypto:[^\r\n]{0,80}?inline:)([^\s|]*)/gim;
const BLANK = '*';

export function withoutSecrets(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const shown = text.replace(SECRETS, (_whole, header?: string, value?: string, crypto?: string, key?: string) =>
    header !== undefined
      ? header + value!.replace(/(response|nonce|cnonce)=("?)([^",\r\n]*)/gi, blankValue)
      : crypto! + BLANK.repeat(key!.length),
  );
  return shown === text ? bytes : Uint8Array.from(Buffer.from(shown, 'latin1'));
}

function blankValue(_whole: string, name: string, quote: string, value: string): string {
  return `${name}=${quote}${BLANK.repeat(value.length)}`;
}
