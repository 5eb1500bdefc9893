import { toCompatible, workOfSearch, type TextWork } from '#lib/extension-kit';

/** Encodings within encodings that are resolved; a server resolves one or two. */
const MAX_DECODINGS = 3;
/** Characters that are not shown: controls besides tab and line breaks, soft hyphens, zero-width and directional marks. */
const INVISIBLE = /[\u034F\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF\u{E0000}-\u{E007F}]/gu;

/** Time per character of one form: normalization, and the resolution of escapes. */
const COST_OF_FORM = 2;

/**
 * The forms in which a server may read a text: itself, in compatibility form (NFKC) without invisible characters, and each further
 * form with percent escapes resolved once more. Equal forms appear once.
 */
export function* toNormalForms(text: string): TextWork<readonly string[]> {
  yield workOfSearch(text, COST_OF_FORM);
  const forms = new Set([text]);
  let form = withoutInvisible(text);
  forms.add(form);
  for (let round = 0; round < MAX_DECODINGS && form.includes('%'); round += 1) {
    yield workOfSearch(form, COST_OF_FORM);
    form = withoutInvisible(decodePercent(form));
    forms.add(form);
  }
  return [...forms];
}

const withoutInvisible = (text: string): string => toCompatible(text).replaceAll(INVISIBLE, '');

/** Resolves percent escapes (RFC 3986, 2.1), those of IIS (`%u002e`), and overlong UTF-8 (`%c0%ae`), which some servers accept. */
function decodePercent(text: string): string {
  const converted = /%[uc]/i.test(text) ? decodeUncommon(text) : text;
  return converted.replaceAll(/(?:%[\da-f]{2})+/gi, decodeUtf8);
}

const decodeUncommon = (text: string): string =>
  text
    .replaceAll(/%u([\da-f]{4})/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/%c([01])%([89ab][\da-f])/gi, (_escape, high: string, low: string) =>
      String.fromCharCode((Number(high) << 6) | (Number.parseInt(low, 16) & 0x3f)),
    );

function decodeUtf8(escapes: string): string {
  const isSingle = escapes.length === 3 && /[0-7]/.test(escapes.charAt(1));
  if (isSingle) return String.fromCharCode(Number.parseInt(escapes.slice(1), 16));
  return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString();
}
