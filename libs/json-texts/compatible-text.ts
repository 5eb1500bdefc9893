/** Ligatures of phrases and words, which become up to 18 letters of Arabic or Japanese. */
const WORD_LIGATURES = /[\uFDFA\uFDFB\u3300-\u3357]/g;
/** Marks that are put in order take quadratic time. No language has more on one character (UAX #15, stream-safe text format). */
const MANY_MARKS = /([\p{M}\uFF9E\uFF9F]{30})[\p{M}\uFF9E\uFF9F]+/gu;

/**
 * The compatibility form of a text (NFKC, UAX #15): fullwidth and stylized letters become plain ones. Takes linear time: ligatures of
 * words become a space, and a character keeps 30 combining marks.
 */
export function toCompatible(text: string): string {
  // Texts in ASCII are in that form.
  if (!/[^\0-\x7f]/.test(text)) return text;
  return text.replaceAll(WORD_LIGATURES, ' ').replaceAll(MANY_MARKS, '$1').normalize('NFKC');
}
