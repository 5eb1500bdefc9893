/**
 * The forms of a URI of a resource. Servers compare URIs as text, parse them (WHATWG URL, as the SDKs do), decode them, or
 * pass them to a file system; an access check must hold for each of these readings.
 */
export interface ResourceUri {
  /**
   * The canonical form, the only one that a server receives: the WHATWG form for special schemes (`file`, `http`, …), except
   * that escapes and a missing root slash stay as they are, because servers that compare texts list such URIs. Any other text
   * is unchanged.
   */
  readonly canonical: string;
  /** The WHATWG form; the canonical form of a text that is no URL. */
  readonly normal: string;
  /** The normal form without escapes and without empty path segments. */
  readonly decoded: string;
  /** Other decoded forms under which a server may find the same resource: without user information, fragment, empty query, or a file's host. */
  readonly aliases: readonly string[];
}

/** States why a URI is refused, and what to send instead. */
export interface UriFault {
  readonly fault: string;
}

const SPECIAL_SCHEME = /^(?:file|https?|wss?|ftp):/i;
/** A URI with its authority, path, query and fragment (RFC 3986, appendix B). */
const PARTS = /^([a-z][a-z0-9+.-]*:)?(\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/is;
const DOT_SEGMENT = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\]|%2f|%5c)/i;
// The Unicode category of control characters, and the escape of U+0000, at which some servers end a path.
const CONTROL = /\p{Cc}|%00/u;
const CONTROL_FAULT = 'The URI contains a control character or an unpaired surrogate. Remove it.';
const DOT_SEGMENT_FAULT = 'The path of the URI contains the segment "." or "..". Send the URI that results without it.';
/** An expression of a URI template (RFC 6570). */
const EXPRESSIONS = /\{[^{}]*\}/g;
/** How often escapes of escapes are decoded. */
const MAX_DECODINGS = 4;
const NO_ALIASES: readonly string[] = [];

/** Reads the URI of a resource as a client sent it, or the URI template of a completion or a list. */
export function readResourceUri(text: string, isTemplate = false): ResourceUri | UriFault {
  const fault = findFault(text);
  if (fault !== undefined) return { fault };
  const href = isTemplate ? normalizeTemplate(text) : normalize(text);
  const normal = href ?? text;
  // WHATWG keeps escapes that RFC 3986 calls equivalent, so access checks need the decoded form, too.
  const parts = href === undefined ? toDecodedPartsOfText(text) : toDecodedParts(href);
  if (DOT_SEGMENT.test(parts.path)) return { fault: DOT_SEGMENT_FAULT };
  const decoded = joinParts(parts);
  if (decoded.includes('\0')) return { fault: CONTROL_FAULT };
  const canonical = !SPECIAL_SCHEME.test(text) || isSameExceptEscapes(text, normal) ? text : normal;
  return { canonical, normal, decoded, aliases: findAliases(parts) };
}

/**
 * The forms of a pattern with the wildcard `*`: `texts` to compare with the canonical and the normal form of a URI, `decoded` to
 * compare with its decoded form and its aliases.
 */
export function toPatternForms(pattern: string): {
  readonly texts: readonly string[];
  readonly decoded: readonly string[];
} {
  // A host with a wildcard is no host, and the normalization of a dot segment would move a wildcard.
  const isText = pattern.slice(0, authorityEnd(pattern)).includes('*') || findFault(pattern) !== undefined;
  const href = isText ? undefined : normalizeTemplate(pattern);
  const texts = [...new Set([pattern, href ?? pattern])];
  const decoded = [...texts.map(toDecodedParts), toDecodedPartsOfText(pattern)].map(joinParts);
  return { texts, decoded: [...new Set(decoded)] };
}

function findFault(text: string): string | undefined {
  if (CONTROL.test(text) || !text.isWellFormed()) return CONTROL_FAULT;
  if (text !== text.trim()) return 'The URI begins or ends with a blank. Remove it, or send it as %20.';
  const path = text.slice(0, pathEnd(text));
  if (DOT_SEGMENT.test(path)) return DOT_SEGMENT_FAULT;
  return undefined;
}

const pathEnd = (text: string): number => {
  const end = text.search(/[?#]/);
  return end < 0 ? text.length : end;
};

function authorityEnd(text: string): number {
  const [, scheme = '', authority = ''] = PARTS.exec(text) ?? [];
  return scheme.length + authority.length;
}

function normalize(text: string): string | undefined {
  return URL.parse(text)?.href;
}

/** Normalizes a template around its expressions. Undefined where an expression stands where no text can, as in a port. */
function normalizeTemplate(text: string): string | undefined {
  const expressions = text.match(EXPRESSIONS);
  if (!expressions) return normalize(text);
  const marker = findMarker(text);
  const href = normalize(text.replaceAll(EXPRESSIONS, marker));
  const parts = href?.split(marker);
  if (parts?.length !== expressions.length + 1) return undefined;
  return parts.map((part, index) => part + (expressions[index] ?? '')).join('');
}

/** A text of lower-case letters, which no normalization changes and the template does not contain. */
function findMarker(text: string): string {
  let marker = 'qz';
  while (text.toLowerCase().includes(marker)) marker += 'z';
  return `${marker}q`;
}

/** The parts of a URI with their separators, without escapes and without empty path segments. */
function toDecodedParts(uri: string) {
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = PARTS.exec(uri) ?? [];
  return {
    scheme: scheme.toLowerCase(),
    authority: decodeEscapes(authority),
    path: decodeEscapes(path)
      .replaceAll('\\', '/')
      .replaceAll(/\/{2,}/g, '/'),
    query: decodeEscapes(query),
    fragment: decodeEscapes(fragment),
  };
}

/** A server may decode a text before it parses it, and then find a URL in what is none. */
function toDecodedPartsOfText(text: string) {
  const decoded = decodeEscapes(text);
  return toDecodedParts((decoded === text ? undefined : normalize(decoded)) ?? decoded);
}

const joinParts = ({ scheme, authority, path, query, fragment }: ReturnType<typeof toDecodedParts>): string =>
  scheme + authority + path + query + fragment;

/** Decodes escapes of escapes, too: some servers decode a URI twice. */
function decodeEscapes(text: string): string {
  let decoded = text;
  for (let round = 0; round < MAX_DECODINGS && decoded.includes('%'); round += 1) {
    const next = decodeOnce(decoded);
    if (next === decoded) break;
    decoded = next;
  }
  return decoded;
}

/** Keeps an escaped `*`, which would become a wildcard in a pattern, and bytes that are not UTF-8. */
function decodeOnce(text: string): string {
  const ascii = text.replaceAll(/%[0-7][0-9a-f]/gi, (escape) =>
    /%2a/i.test(escape) ? '%2A' : String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
  );
  return ascii.replaceAll(/(?:%[89a-f][0-9a-f])+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes.toUpperCase();
    }
  });
}

function findAliases(parts: ReturnType<typeof toDecodedParts>): readonly string[] {
  const { scheme, authority, query, fragment } = parts;
  const isFile = scheme === 'file:';
  const at = authority.lastIndexOf('@');
  const isPlain = fragment === '' && at < 0 && query !== '?';
  if (isPlain && !(isFile && (authority.length > 2 || query !== ''))) return NO_ALIASES;
  const found = { ...parts, query: isFile || query === '?' ? '' : query, fragment: '' };
  const host = at < 0 ? authority : `//${authority.slice(at + 1)}`;
  const aliases = [found, { ...found, authority: host }, ...(isFile ? [{ ...found, authority: '//' }] : [])];
  return [...new Set(aliases.map(joinParts))];
}

function isSameExceptEscapes(text: string, href: string): boolean {
  if (text === href) return true;
  const [one, other] = [decodeEscapes(text), decodeEscapes(href)];
  return one === other || `${one}/` === other;
}
