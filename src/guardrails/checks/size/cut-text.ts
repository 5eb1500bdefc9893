/** What belongs to the character before it: combining marks, variation selectors, joiners and what they join. */
const CONTINUES = /^(?:\p{M}|\p{Emoji_Modifier}|\u200D|[\u{E0020}-\u{E007F}])/u;
/** The longest sequence that is kept whole: an emoji of a family has up to 11 code units, a flag of a region 14. */
const MAX_SEQUENCE = 32;

/**
 * Returns the beginning of a text with at most so many UTF-16 code units. It never ends within a character: neither between
 * surrogates nor before a combining mark or the rest of an emoji.
 */
export function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = Math.max(0, length);
  for (let steps = 0; end > 0 && steps < MAX_SEQUENCE && isWithinCharacter(text, end); steps += 1) end -= 1;
  return text.slice(0, end);
}

function isWithinCharacter(text: string, index: number): boolean {
  const [before, after] = [text.charCodeAt(index - 1), text.charCodeAt(index)];
  const isHighSurrogate = before >= 0xd800 && before <= 0xdbff;
  const isLowSurrogate = after >= 0xdc00 && after <= 0xdfff;
  if (isHighSurrogate && isLowSurrogate) return true;
  return before === 0x200d || CONTINUES.test(text.slice(index, index + 2));
}
