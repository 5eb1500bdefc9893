import type { TextSpan } from '#lib/extension-kit';

/**
 * Forms of telephone numbers. Separators and digits exclude each other and repetitions are bounded, so a search takes linear time.
 * National forms are those whose groups or prefix distinguish them from other numbers.
 */
const FORMS: readonly RegExp[] = [
  // International (ITU-T E.164): a plus or 00, then 9 to 15 digits.
  /(?<![\w+.])\+[1-9](?:[ .\-()/]{0,3}\d){8,14}(?!\d)/g,
  /(?<![\w+.-]|\d )00[1-9]\d{0,2}(?:[ .\-()/]{1,2}\d{1,12}){2,6}(?![\w])/g,
  // North America: (212) 555-0123, 212-555-0123, 212.555.0123
  /(?<![\w+.-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])[2-9]\d{2}[ .-]\d{4}(?![\w-])/g,
  // France: 06 12 34 56 78
  /(?<![\w+.-])0[1-9](?:([ .-])\d{2})(?:\1\d{2}){3}(?![\w-])/g,
  // United Kingdom: 020 7946 0958, 07700 900123, (0161) 496 0123
  /(?<![\w+.-]|\d )(?:\(0\d{2,4}\)|0\d{2,4}) \d{3,4} \d{3,4}(?![\w-])/g,
  /(?<![\w+.-])07\d{3} ?\d{6}(?![\w-])/g,
  // Germany, Austria, Switzerland, Italy: 030/12345678, 0171-1234567, (089) 123456
  /(?<![\w+.-])(?:\(0[1-9]\d{1,4}\) ?|0[1-9]\d{1,4} ?[/–-] ?)\d{5,8}(?:[ -]\d{2,6})?(?![\w-])/g,
  // Spain: 612 34 56 78. In groups of three it would equal a number with thousands.
  /(?<![\w+.-])[679]\d{2} \d{2} \d{2} \d{2}(?![\w-])/g,
];

/** A decimal number with a sign. */
const DECIMAL = /^\+\d+\.\d+$/;

/** Find telephone numbers in international form, and in common national forms. */
export const PHONE_SEARCHES = FORMS.map((form) => {
  return function* find(text: string): Generator<TextSpan | undefined> {
    for (const { 0: shown, index: start } of text.matchAll(form)) {
      yield DECIMAL.test(shown) ? undefined : { kind: 'phone', start, end: start + shown.length };
    }
  };
});
