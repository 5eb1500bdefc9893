import type { TextSpan } from '#lib/extension-kit';

/** The characters of a local part, without those that separate it from other text more often than they belong to one. */
const LOCAL = /[\p{L}\p{N}.!#$%'*+^_~-]/u;
/** At least two labels. */
const DOMAIN = /[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/uy;
const TOP_LEVEL = /^(?:\p{L}{2,63}|xn--[a-z\d-]{1,59})-*$/iu;

/** An at sign, also as URLs, JSON and HTML encode it. */
const AT = /@|%40|\\u0040|&#64;/gi;

/**
 * Finds e-mail addresses (RFC 5322, 3.4.1, without comments, quotes and address literals; RFC 6532). No part is read more than
 * twice: neither a local part nor a domain contains another `@`.
 */
export function* findEmails(text: string): Generator<TextSpan | undefined> {
  let previous = 0;
  for (const { 0: mark, index: at } of text.matchAll(AT)) {
    const end = endOfDomain(text, at + mark.length);
    const start = end === undefined ? at : startOfLocal(text, at, previous);
    previous = end ?? at + mark.length;
    const isEmail = end !== undefined && start < at && !isRepository(text, start, at, end);
    yield isEmail ? { kind: 'email', start, end } : undefined;
  }
}

/** `git@host:path` names a repository and nobody. */
const isRepository = (text: string, start: number, at: number, end: number): boolean =>
  text.slice(start, at) === 'git' && text.charAt(end) === ':';

function startOfLocal(text: string, at: number, previous: number): number {
  let start = at;
  while (start > previous && (isWord(text.charCodeAt(start - 1)) || LOCAL.test(characterBefore(text, start)))) {
    start -= characterBefore(text, start).length;
  }
  // A quotation mark or dot before an address is not part of it.
  while (start < at && /[.']/.test(text.charAt(start))) start += 1;
  return start;
}

/** Most characters of local parts are letters and digits of ASCII. */
const isWord = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a);

function characterBefore(text: string, index: number): string {
  const code = text.charCodeAt(index - 1);
  const isPair = index > 1 && code >= 0xdc00 && code <= 0xdfff;
  return text.slice(index - (isPair ? 2 : 1), index);
}

/** The end of a domain with at least two labels. Undefined: there is none. */
function endOfDomain(text: string, start: number): number | undefined {
  DOMAIN.lastIndex = start;
  const domain = DOMAIN.exec(text)?.[0];
  if (domain === undefined || !TOP_LEVEL.test(domain.slice(domain.lastIndexOf('.') + 1))) return undefined;
  let { length } = domain;
  while (domain.charAt(length - 1) === '-') length -= 1;
  return start + length;
}
