import type { TextSpan } from '#lib/extension-kit';
import { hasLuhnChecksum } from './digits.js';

const MIN_LENGTH = 13;
const MAX_LENGTH = 19;

/** The beginning of a group of digits, and enough characters for a card: the search leaves out most texts. */
const BEGIN = /(?<!\d)[2-6][\d -]{12}/g;

/** The first four digits and the lengths of issuers (ISO/IEC 7812): others are numbers of orders rather than cards. */
const ISSUERS: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [2221, 2720, [16]],
  [3000, 3059, [14, 16, 19]],
  [3400, 3499, [15]],
  [3528, 3589, [16, 17, 18, 19]],
  [3600, 3699, [14, 16, 19]],
  [3700, 3799, [15]],
  [3800, 3999, [14, 16, 19]],
  [4000, 4999, [13, 16, 19]],
  [5000, 5099, [13, 14, 15, 16, 17, 18, 19]],
  [5100, 5599, [16]],
  [5600, 5899, [13, 14, 15, 16, 17, 18, 19]],
  [6011, 6011, [16, 19]],
  [6200, 6299, [16, 17, 18, 19]],
  [6300, 6399, [13, 14, 15, 16, 17, 18, 19]],
  [6440, 6499, [16, 19]],
  [6500, 6599, [16, 19]],
  [6700, 6799, [13, 14, 15, 16, 17, 18, 19]],
];

/** The lengths of cards that begin with these digits. */
function lengthsOfIssuer([first = 0, second = 0, third = 0, fourth = 0]: readonly number[]): readonly number[] {
  const prefix = first * 1_000 + second * 100 + third * 10 + fourth;
  return ISSUERS.find(([from, to]) => prefix >= from && prefix <= to)?.[2] ?? [];
}

/** Returns whether digits are the number of a payment card: issuer, length and checksum. */
export function isCardNumber(shown: string): boolean {
  if (shown.length < MIN_LENGTH || shown.length > MAX_LENGTH || /\D/.test(shown)) return false;
  const digits = Array.from(shown, Number);
  return lengthsOfIssuer(digits).includes(digits.length) && isCheckedNumber(digits, digits.length);
}

const isCheckedNumber = (digits: readonly number[], length: number): boolean =>
  hasLuhnChecksum(digits, length) && hasTwoDigits(digits, length);

function hasTwoDigits(digits: readonly number[], length: number): boolean {
  for (let index = 1; index < length; index += 1) if (digits[index] !== digits[0]) return true;
  return false;
}

/** Finds numbers of payment cards, with single spaces or hyphens between their groups. Examines each group of digits once as the first. */
export function* findCards(text: string): Generator<TextSpan | undefined> {
  for (let start = nextBegin(text, 0); start !== undefined;) {
    const end = endOfCard(text, start);
    yield end === undefined ? undefined : { kind: 'card', start, end };
    start = nextBegin(text, end ?? start + 1);
  }
}

function nextBegin(text: string, from: number): number | undefined {
  BEGIN.lastIndex = from;
  return BEGIN.exec(text)?.index;
}

/** The end of the longest card that begins here. It consists of whole groups: their neighbours are an expiry date or another number. */
function endOfCard(text: string, start: number): number | undefined {
  const { digits, ends } = readDigits(text, start);
  const length = lengthsOfIssuer(digits).findLast((each) => {
    const end = ends[each - 1];
    return (
      end !== undefined && !isDigit(text.charCodeAt(end)) && isCheckedNumber(digits, each) && !isBeforeWord(text, end)
    );
  });
  return length === undefined || isAfterWord(text, start) ? undefined : ends[length - 1];
}

/** The next digits, at most as many as a card has, and where each ends in the text. */
function readDigits(
  text: string,
  start: number,
): { readonly digits: readonly number[]; readonly ends: readonly number[] } {
  const digits: number[] = [];
  const ends: number[] = [];
  for (let at = start; digits.length < MAX_LENGTH; at += 1) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) {
      digits.push(code - ZERO);
      ends.push(at + 1);
    } else if (!((code === SPACE || code === HYPHEN) && isDigit(text.charCodeAt(at + 1)))) break;
  }
  return { digits, ends };
}

const [SPACE, HYPHEN, ZERO, NINE] = [0x20, 0x2d, 0x30, 0x39];
const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

/** Digits that adjoin letters or a decimal point are identifiers, amounts and coordinates. */
const isAfterWord = (text: string, start: number): boolean =>
  /[\p{L}_.]$/u.test(text.slice(Math.max(0, start - 2), start));
const isBeforeWord = (text: string, end: number): boolean => /^(?:[\p{L}_]|\.\d)/u.test(text.slice(end, end + 2));
