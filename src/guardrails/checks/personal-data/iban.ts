import type { TextSpan } from '#lib/extension-kit';
import { remainderOf } from './digits.js';

/** Lengths of account numbers by country (ISO 13616, registry of SWIFT). */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 ' +
    'FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 ' +
    'LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 ' +
    'SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const BEGIN = /(?<![A-Za-z\d])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z\d])/g;
/** The longest number with a separator before each group of four. */
const MAX_SHOWN_LENGTH = 42;

/** Finds international bank account numbers of the length of their country with a valid checksum (ISO 13616-1). */
export function* findIbans(text: string): Generator<TextSpan | undefined> {
  for (let match = nextBegin(text, 0); match !== null;) {
    const length = LENGTHS.get(match[0].slice(0, 2).toUpperCase());
    const shown = length === undefined ? undefined : readShown(text, match.index, length);
    const isIban = shown !== undefined && hasValidChecksum(shown.replaceAll(/[ -]/g, '').toUpperCase());
    const end = match.index + (isIban ? shown : match[0]).length;
    yield isIban ? { kind: 'iban', start: match.index, end } : undefined;
    match = nextBegin(text, end);
  }
}

function nextBegin(text: string, from: number): RegExpExecArray | null {
  BEGIN.lastIndex = from;
  return BEGIN.exec(text);
}

/** A number of this length with single spaces or hyphens in it, if no further letter or digit follows. */
function readShown(text: string, start: number, length: number): string | undefined {
  let count = 0;
  let end = start;
  for (; count < length && end - start < MAX_SHOWN_LENGTH; end += 1) {
    if (/[A-Za-z\d]/.test(text.charAt(end))) count += 1;
    else if (!/[ -]/.test(text.charAt(end)) || /[ -]/.test(text.charAt(end - 1))) return undefined;
  }
  return count === length && !/[A-Za-z\d]/.test(text.charAt(end)) ? text.slice(start, end) : undefined;
}

function hasValidChecksum(iban: string): boolean {
  const moved = iban.slice(4) + iban.slice(0, 4);
  return (
    remainderOf(
      moved.replaceAll(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55)),
      97,
    ) === 1
  );
}
