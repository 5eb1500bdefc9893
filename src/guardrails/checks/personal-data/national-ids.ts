import type { TextSpan } from '#lib/extension-kit';
import { remainderOf, withoutSeparators } from './digits.js';

/** The form of a national identity number, and what distinguishes it from other numbers of the form. */
interface NationalId {
  readonly kind: string;
  readonly form: RegExp;
  /** Receives the number without separators, in upper case. */
  readonly isValid: (number: string) => boolean;
}

const LETTERS_OF_DNI = 'TRWAGMYFPDXBNJZSQVHLCKE';

const NATIONAL_IDS: readonly NationalId[] = [
  {
    kind: 'us-ssn',
    form: /(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])/g,
    // Numbers that are never issued (Social Security Administration).
    isValid: (number) => !/^(?:000|666|9)|^...00|0000$/.test(number),
  },
  {
    kind: 'uk-nino',
    form: /(?<!\w)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D](?!\w)/gi,
    isValid: (number) => !/^(?:BG|GB|KN|NK|NT|TN|ZZ)/.test(number),
  },
  { kind: 'de-tax-id', form: /(?<![\w.-])[1-9]\d(?:[ /]?\d{3}){3}(?![\w-])/g, isValid: isGermanTaxId },
  {
    kind: 'fr-nir',
    form: /(?<![\w.-])[1-478][ ]?\d{2}[ ]?\d{2}[ ]?\d[\dAB][ ]?\d{3}[ ]?\d{3}[ ]?\d{2}(?![\w-])/gi,
    isValid: isFrenchNir,
  },
  {
    kind: 'es-dni',
    form: /(?<![\w.-])\d{2}\.?\d{3}\.?\d{3}[ -]?[A-HJ-NP-TV-Z](?!\w)/gi,
    isValid: hasLetterOfDni,
  },
  {
    kind: 'es-nie',
    form: /(?<![\w-])[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z](?!\w)/gi,
    isValid: (number) => hasLetterOfDni('XYZ'.indexOf(number.charAt(0)) + number.slice(1)),
  },
  {
    kind: 'it-codice-fiscale',
    form: /(?<!\w)[A-Z]{6}[\dLMNP-V]{2}[A-EHLMPR-T][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z](?!\w)/gi,
    isValid: isCodiceFiscale,
  },
];

/** Find national identity numbers whose check digits are valid, or which could have been issued where there are none. */
export const NATIONAL_ID_SEARCHES = NATIONAL_IDS.map(({ kind, form, isValid }) => {
  return function* find(text: string): Generator<TextSpan | undefined> {
    for (const { 0: shown, index: start } of text.matchAll(form)) {
      yield isValid(withoutSeparators(shown)) ? { kind, start, end: start + shown.length } : undefined;
    }
  };
});

/** Identification number of § 139b of the Abgabenordnung: one digit is repeated; check digit of ISO/IEC 7064, MOD 11,10. */
function isGermanTaxId(number: string): boolean {
  const digits = Array.from(number.slice(0, 10), Number);
  const repeated = new Set(digits.filter((digit, index) => digits.indexOf(digit) !== index));
  if (repeated.size !== 1) return false;
  const product = digits.reduce((rest, digit) => (((digit + rest) % 10 || 10) * 2) % 11, 10);
  return (11 - product) % 10 === Number(number.charAt(10));
}

/** Number of the répertoire national d'identification: the last two digits are 97 less the remainder. Corsica has letters. */
function isFrenchNir(number: string): boolean {
  if (!/^\d{5}(?:\d{2}|2[AB])\d{8}$/.test(number)) return false;
  const month = Number(number.slice(3, 5));
  if (month === 0 || (month > 12 && month < 20)) return false;
  const digits = number.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - remainderOf(digits, 97) === Number(number.slice(13));
}

function hasLetterOfDni(number: string): boolean {
  return LETTERS_OF_DNI.charAt(Number(number.slice(0, -1)) % 23) === number.at(-1);
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Values of the characters at odd places (Decreto ministeriale 23 December 1976, 12). */
const ODD_VALUES = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

function isCodiceFiscale(code: string): boolean {
  const sum = Array.from(code.slice(0, 15), (character, index) => {
    const place = ALPHABET.indexOf(character);
    const value = place < 10 ? place : place - 10;
    return index % 2 === 0 ? (ODD_VALUES[value] ?? 0) : value;
  }).reduce((total, value) => total + value, 0);
  return String.fromCharCode(65 + (sum % 26)) === code.at(-1);
}
