import type { TextSpan } from '#lib/extension-kit';
import { endOf, matchAt } from './search.js';

const KEY_BEGIN = /-----BEGIN [A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
/** What follows the header of a key whose end is missing: base64, also with line breaks that JSON escapes. */
const KEY_BODY = /[A-Za-z\d+/=\s\\]*/y;

/** Finds private keys in PEM (RFC 7468), complete or cut. */
export function* findPrivateKeys(text: string): Generator<TextSpan> {
  // Without a further end there is none after later keys either: the search is not repeated.
  let hasEnd = true;
  for (let match = matchAt(KEY_BEGIN, text, 0); match !== null;) {
    const begin = match.index + match[0].length;
    const end: number = hasEnd ? text.indexOf('-----END ', begin) : -1;
    hasEnd = end >= 0;
    const close = hasEnd ? text.indexOf('-----', end + '-----END '.length) : -1;
    const last = close < 0 ? endOf(KEY_BODY, text, hasEnd ? end : begin) : close + '-----'.length;
    yield { kind: 'private-key', start: match.index, end: last };
    match = matchAt(KEY_BEGIN, text, Math.max(last, begin));
  }
}

/** The parts of a compact token (RFC 7515, 7.1; RFC 7516, 7.1). Dots separate them, so no part is read twice. */
const TOKEN_PARTS = /[\w-]+(?:\.[\w-]*){0,4}/y;
const MIN_TOKEN_PARTS = 3;
/** Length that is decoded of the header. */
const MAX_HEADER_LENGTH = 2_048;

/** Finds JSON Web Tokens: three or five parts, of which the first is a header that names an algorithm. */
export function* findJsonWebTokens(text: string): Generator<TextSpan | undefined> {
  for (let start = text.indexOf('eyJ'); start >= 0;) {
    const end = endOf(TOKEN_PARTS, text, start);
    const [header = '', ...rest] = text.slice(start, end).split('.');
    const isToken = rest.length + 1 >= MIN_TOKEN_PARTS && namesAlgorithm(header);
    yield isToken ? { kind: 'json-web-token', start, end } : undefined;
    start = text.indexOf('eyJ', isToken ? end : start + header.length);
  }
}

const namesAlgorithm = (header: string): boolean =>
  Buffer.from(header.slice(0, MAX_HEADER_LENGTH), 'base64url').toString().includes('"alg"');

/** User and password, up to the characters that end the authority of a URL (RFC 3986, 3.2). */
const AUTHORITY = /[^\s/?#"'`<>\\]*/y;
const PLACEHOLDER = /^(?:[$%<{[(]|\*+$|x+$)/i;

/** Finds user and password in URLs: `https://user:password@host`. */
export function* findUrlCredentials(text: string): Generator<TextSpan | undefined> {
  for (let mark = text.indexOf('://'); mark >= 0;) {
    const start = mark + '://'.length;
    const end = endOf(AUTHORITY, text, start);
    const authority = text.slice(start, end);
    const at = authority.lastIndexOf('@');
    const colon = authority.indexOf(':');
    const password = colon < 0 ? '' : authority.slice(colon + 1, Math.max(colon + 1, at));
    const isPassword = password !== '' && !PLACEHOLDER.test(password);
    yield isPassword ? { kind: 'url-credentials', start, end: start + at } : undefined;
    mark = text.indexOf('://', end);
  }
}
