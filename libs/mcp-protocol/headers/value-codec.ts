/**
 * Encoding of a text in an HTTP header (specification: basic/transports/streamable-http, Value Encoding): a plain text
 * unchanged, any other as Base64 of its UTF-8 form between two markers.
 */
const OPEN = '=?base64?';
const CLOSE = '?=';

/** Printable ASCII, with blanks and tabs only inside. */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;
const BLANKS_AROUND = /^[ \t]+|[ \t]+$/g;

/** Returns a legal header value. A lone surrogate has no UTF-8 form and becomes U+FFFD. */
export function encodeHeaderValue(value: string): string {
  return PLAIN.test(value) && !looksEncoded(value) ? value : OPEN + toBase64(value) + CLOSE;
}

/**
 * Decodes a header value; undefined if it is malformed: characters that no header may contain, Base64 that is not
 * canonical, or bytes that are not UTF-8.
 */
export function decodeHeaderValue(raw: string): string | undefined {
  const value = raw.replace(BLANKS_AROUND, '');
  if (value === '') return '';
  if (!PLAIN.test(value)) return undefined;
  if (!looksEncoded(value)) return value;
  return value.length < OPEN.length + CLOSE.length ? undefined : fromBase64(value.slice(OPEN.length, -CLOSE.length));
}

// The markers of "=?base64?=" overlap. A peer may treat it as encoded, so it is never written and never accepted.
function looksEncoded(value: string): boolean {
  return value.startsWith(OPEN) && value.endsWith(CLOSE);
}

const utf8 = new TextEncoder();
// A byte order mark is part of the value: without ignoreBOM the decoder would remove it.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function toBase64(text: string): string {
  let binary = '';
  for (const byte of utf8.encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(encoded: string): string | undefined {
  try {
    const binary = atob(encoded);
    // atob accepts blanks, missing padding and stray bits; two spellings of one value must not both pass a check.
    if (btoa(binary) !== encoded) return undefined;
    return strictUtf8.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
