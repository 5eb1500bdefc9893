import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import * as fc from 'fast-check';
import { describeErrors } from '#lib/validation';
import { textsOf, valuesWith } from '../nested-value-fixture.js';
import { createSubject, kindsOf, textResult, valueAfter, verdictOf } from '../subject-fixture.js';
import { PersonalDataCheck, PersonalDataOptions } from './index.js';

const check = new PersonalDataCheck();
const judge = (text: string, options: PersonalDataOptions = {}) =>
  verdictOf(check.check(createSubject(textResult(text)), options));
const maskedText = (text: string): string => textsOf(valueAfter(judge(text), textResult(text)));

const MASKED: readonly (readonly [text: string, masked: string])[] = [
  ['write to ada@example.org.', 'write to [email].'],
  ['Ada <ada.lovelace+mcp@mail.example.co.uk>, Bob', 'Ada <[email]>, Bob'],
  ["'ADA@EXAMPLE.ORG'", "'[email]'"],
  ['élodie@exämple.fr', '[email]'],
  ['https://example.org/?mail=ada@example.org&x=1', 'https://example.org/?mail=[email]&x=1'],
  ['?mail=ada%40example.org&x=1', '?mail=[email]&x=1'],
  ['{"mail":"ada\\u0040example.org"}', '{"mail":"[email]"}'],
  ['mailto:ada@xn--exmple-cua.xn--p1ai', 'mailto:[email]'],
  ['call +44 20 7946 0958 now', 'call [phone] now'],
  ['+1 (212) 555-0123, +491711234567', '[phone], [phone]'],
  ['0044 20 7946 0958', '[phone]'],
  ['(212) 555-0123 or 212-555-0123 or 1 212.555.0123', '[phone] or [phone] or [phone]'],
  ['06 12 34 56 78, 06.12.34.56.78', '[phone], [phone]'],
  ['020 7946 0958, 07700 900123, (0161) 496 0123', '[phone], [phone], [phone]'],
  ['030/12345678, 0171-1234567', '[phone], [phone]'],
  ['612 34 56 78', '[phone]'],
  ['card 4111 1111 1111 1111, 12/29', 'card [card], 12/29'],
  ['4111111111111111 12/29', '[card] 12/29'],
  ['v2 5500-0055-5555-5559', 'v2 [card]'],
  ['378282246310005;6011111111111117;3530111333300000', '[card];[card];[card]'],
  ['pay to DE89 3704 0044 0532 0130 00 today', 'pay to [iban] today'],
  ['gb82west12345698765432, FR1420041010050500013M02606', '[iban], [iban]'],
  ['NL91-ABNA-0417-1643-00', '[iban]'],
  ['SSN 123-45-6789; 123 45 6789', 'SSN [us-ssn]; [us-ssn]'],
  ['AB 12 34 56 C, ab123456d', '[uk-nino], [uk-nino]'],
  ['86 095 742 719, 47036892816', '[de-tax-id], [de-tax-id]'],
  ['2 55 08 14 168 025 38', '[fr-nir]'],
  ['255081416802538', '[fr-nir]'],
  ['12345678Z, 12.345.678-Z, X1234567L', '[es-dni], [es-dni], [es-nie]'],
  ['RSSMRA85T10A562S, rssmra85t10a562s', '[it-codice-fiscale], [it-codice-fiscale]'],
];

const HARMLESS: readonly string[] = [
  'The quick brown fox. 12,345 rows; 99 % done.',
  'git@github.com:acme/gateway.git, @types/node, pkg@1.2.3, a@b, user@localhost, @, a@.org',
  '2026-03-04T10:00:00+01:00, 04.03.2026, 2026-03-04, 10:00-11:30, 1772618400000, 1772618400',
  '4111 1111 1111 1112, 4111111111111111.55, order 1234567890123452, id_4111111111111111, 0000000000000000',
  'DE89 3704 0044 0532 0130 01, GB82 WEST, XX00 1234',
  '000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 123-45-0000, 1123-45-6789',
  'GB123456A, AB123456E, 12345678901, 12345678A, X1234567A, RSSMRA85T10A562T',
  '192.168.100.200, 10.0.0.1:8080, 1.2.3, v10.20.30, +10485760 bytes, +12.345678901, 612 345 678 EUR',
  '0f8fad5b-d9cb-469f-a165-70867728950e, sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'pages 100-200, 1 2 3 4 5 6 7 8 9, 5.0001 0.333, 48.858370, 2.294481, ISBN 978-3-16-148410-0',
];

describe('the check personal-data', () => {
  it.each(MASKED)('masks %s', (text, masked) => {
    expect(maskedText(text)).toBe(textsOf(textResult(masked)));
  });

  it.each(HARMLESS)('passes a text without personal data: %s', (text) => {
    expect(judge(text)).toEqual({ action: 'pass' });
  });

  it('counts what it masks by kind, in texts, names of members and numbers', () => {
    const value = { structuredContent: { card: 4111111111111111, count: 7, 'ada@example.org': 'bob@example.org' } };
    expect(verdictOf(check.check(createSubject(value), {}))).toEqual({
      action: 'change',
      value: { structuredContent: { card: 0, count: 7, '[email]': '[email]' } },
      findings: [
        { kind: 'card', count: 1 },
        { kind: 'email', count: 2 },
      ],
    });
  });

  it('masks only the kinds of the options', () => {
    const text = 'ada@example.org 4111 1111 1111 1111';
    expect(kindsOf(judge(text, { kinds: ['card'] }))).toEqual(['card 1']);
    expect(judge(text, { kinds: ['iban'] })).toEqual({ action: 'pass' });
  });

  it('masks what patterns of the options find', () => {
    const options = { kinds: ['email' as const], patterns: [{ name: 'employee', pattern: '(?i)\\bemp-\\d{4,}' }] };
    expect(kindsOf(judge('EMP-1234, emp-99999, ada@example.org', options))).toEqual(['employee 2', 'email 1']);
  });

  it.each([
    [{ kinds: ['shoe-size'] }, 'kinds must contain only one of email, phone, card, iban or national-id'],
    [{ kinds: [] }, 'kinds must not be empty'],
    [
      { patterns: [{ name: 'x', pattern: '(?=a)' }] },
      'patterns[0].pattern must be a regular expression of at most 500 characters, without look-around, back-references and large counts, that does not match the empty text',
    ],
    [
      { patterns: [{ name: 'a B', pattern: 'a' }] },
      'patterns[0].name must be 1 to 64 lower case letters, digits and hyphens',
    ],
  ])('refuses the options %j', (options, message) => {
    const errors = validateSync(plainToInstance(PersonalDataOptions, options), { whitelist: true });
    expect(describeErrors(errors).map((fault) => `${fault.path} ${fault.message}`)).toEqual([message]);
  });

  it('leaves nothing of a datum anywhere in a value', () => {
    const word = fc.string({ unit: fc.constantFrom('q', 'w', 'x', '7'), minLength: 6, maxLength: 20 });
    const digits = fc.string({ unit: fc.constantFrom('0', '1', '5', '9'), minLength: 14, maxLength: 14 });
    const planted = fc.oneof(
      fc.tuple(word, word).map(([local, domain]) => `${local}@${domain}.example.org`),
      digits.map((text) => withLuhn(`4${text}`)),
      digits.map((text) => withLuhn(`4${text}`).replaceAll(/(\d{4})(?=\d)/g, '$1 ')),
      digits.map((text) => toIban(`1${text}000`.slice(0, 18))),
      digits.map((text) => `+49 171 ${text.slice(0, 7)}`),
    );
    fc.assert(
      fc.property(valuesWith(planted), ({ value, planted: datum }) => {
        const after = textsOf(valueAfter(verdictOf(check.check(createSubject(value), {})), value));
        expect(after).not.toContain(datum);
        for (const part of datum.split(/[@ ]/)) if (part.length > 5) expect(after).not.toContain(part.slice(0, 6));
      }),
    );
  });

  it('returns values without personal data unchanged', () => {
    const words = fc.array(fc.constantFrom('alpha', '42', '3.14', 'x@y', '2026-03-04', '1,234'), { maxLength: 30 });
    fc.assert(
      fc.property(valuesWith(words.map((list) => list.join(', '))), ({ value }) => {
        expect(verdictOf(check.check(createSubject(value), {}))).toEqual({ action: 'pass' });
      }),
    );
  });
});

function withLuhn(digits: string): string {
  const sum = Array.from(digits, Number)
    .toReversed()
    .map((digit, index) => {
      const doubled = index % 2 === 0 ? digit * 2 : digit;
      return doubled > 9 ? doubled - 9 : doubled;
    });
  return digits + String((10 - (sum.reduce((total, digit) => total + digit, 0) % 10)) % 10);
}

function toIban(account: string): string {
  return `DE${String(98n - (BigInt(`${account}131400`) % 97n)).padStart(2, '0')}${account}`;
}
