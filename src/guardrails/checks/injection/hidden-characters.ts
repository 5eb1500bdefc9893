/**
 * Characters that a person does not see and a model reads: tags, which repeat ASCII invisibly, zero-width characters, directional
 * overrides, variation selectors beyond those of emoji, and fillers.
 */
const HIDDEN =
  /[\u034F\u17B4\u17B5\u180B-\u180F\u00AD\u061C\u115F\u1160\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\u{1D173}-\u{1D17A}\u{E0000}-\u{E0FFF}]/gu;
/** A flag of a region: a black flag and tags that name it. */
const REGION_FLAG = /\u{1F3F4}[\u{E0030}-\u{E0039}\u{E0061}-\u{E007A}]{1,6}\u{E007F}/gu;
/** Joiners between letters of Latin, Greek, Cyrillic and digits join nothing; scripts of Asia and emoji need them. */
const NEEDLESS_JOINER = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\d ])[\u200C\u200D]+/gu;
/** Single marks that editors leave behind: soft hyphens, directional marks, a byte order mark at the beginning. */
const HARMLESS = /^\uFEFF|[\u00AD\u200E\u200F\u061C]/gu;
/** From this many hidden characters on a text is suspicious: fewer come from web pages and word processors. */
const MIN_SUSPICIOUS = 5;

/** Returns a text without hidden characters. Flags of regions keep theirs. */
export function withoutHidden(text: string): string {
  // Most texts have none of them.
  if (!/[^\0-\u00AC\u00AE-\u033F]/.test(text)) return text;
  const flags = Array.from(text.matchAll(REGION_FLAG), ([flag]) => flag);
  if (flags.length === 0) return strip(text);
  return text
    .split(REGION_FLAG)
    .map((part, index) => strip(part) + (flags[index] ?? ''))
    .join('');
}

const strip = (text: string): string => text.replaceAll(HIDDEN, '').replaceAll(NEEDLESS_JOINER, '');

/** Returns whether the hidden characters of a text can carry a message or disguise one. */
export function hidesText(text: string): boolean {
  const relevant = text.replaceAll(HARMLESS, '');
  const hidden = relevant.length - withoutHidden(relevant).length;
  return (
    hidden >= MIN_SUSPICIOUS ||
    (hidden > 0 && /[\u202A-\u202E\u2066-\u2069\u{E0020}-\u{E007F}]/u.test(relevant.replaceAll(REGION_FLAG, '')))
  );
}
