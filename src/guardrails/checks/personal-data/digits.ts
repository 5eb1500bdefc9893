/** Luhn's checksum of the first digits of a card number (ISO/IEC 7812-1, annex B). */
export function hasLuhnChecksum(digits: readonly number[], length: number): boolean {
  let sum = 0;
  for (let index = 0; index < length; index += 1) {
    const digit = digits[length - 1 - index] ?? 0;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** The remainder of a number of any length. */
export function remainderOf(digits: string, divisor: number): number {
  let remainder = 0;
  for (const digit of digits) remainder = (remainder * 10 + Number(digit)) % divisor;
  return remainder;
}

/** The text without spaces and the marks that separate groups, in upper case. */
export const withoutSeparators = (text: string): string => text.replaceAll(/[\s.\-/()]/g, '').toUpperCase();
