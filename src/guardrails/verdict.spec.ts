import { describe, expect, it } from '@jest/globals';
import { NoVerdict, readVerdict } from './verdict.js';

const UNREADABLE = {
  get text(): never {
    throw new Error('down');
  },
};

const refusal = (more: object) => readVerdict({ action: 'refuse', reason: 'it is private', findings: [], ...more });
const findingsOf = (findings: unknown) => refusal({ findings }) as { readonly findings: readonly object[] };

describe('readVerdict', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'it returned no verdict'],
    ['a list', [], 'it returned no verdict'],
    ['an action that is unknown', { action: 'mask' }, 'it returned an unknown action'],
    ['a refusal without a reason', { action: 'refuse', findings: [] }, 'it refused without a reason'],
    ['a change without a value', { action: 'change', findings: [] }, 'its changed value is no JSON object'],
    [
      'a change to a value that JSON has no form for',
      { action: 'change', value: { at: 1n } },
      'its changed value is no',
    ],
    ['a change to a value that cannot be read', { action: 'change', value: UNREADABLE }, 'its changed value is no'],
  ])('refuses %s', (_what, returned, message) => {
    expect(() => readVerdict(returned)).toThrow(NoVerdict);
    expect(() => readVerdict(returned)).toThrow(message);
  });

  it('copies a changed value, so that the check cannot change it any more', () => {
    const value = { text: ['before'] };
    const verdict = readVerdict({ action: 'change', value, findings: [] });
    value.text[0] = 'after';
    expect(verdict).toEqual({ action: 'change', value: { text: ['before'] }, findings: [] });
    expect(verdict.action === 'change' && Object.isFrozen(verdict.value['text'])).toBe(true);
  });

  it('shortens a long reason to 500 characters, and hides inner addresses in it', () => {
    expect(refusal({ reason: 'x'.repeat(501) })).toMatchObject({ reason: 'x'.repeat(500) });
    const reason = 'the service at 10.0.0.7 is down';
    expect(refusal({ reason })).toMatchObject({ reason: 'the service at [address] is down' });
  });

  it.each(['', '  \n'])('states that a reason is missing in place of the empty reason %j', (reason) => {
    expect(refusal({ reason })).toMatchObject({ action: 'refuse', reason: 'its check gave no reason' });
  });

  it('keeps the first 32 findings', () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ kind: `kind-${index}`, count: 1 }));
    expect(findingsOf(many).findings).toEqual(many.slice(0, 32));
  });

  it('rounds the count of a finding down', () => {
    expect(findingsOf([{ kind: 'iban', count: 2.9, text: 'DE02' }]).findings).toEqual([{ kind: 'iban', count: 2 }]);
  });

  it.each<[string, unknown]>([
    ['is no object', 'iban'],
    ['has a kind that could quote the value', { kind: 'DE02 1203', count: 1 }],
    ['has a kind that is too long', { kind: 'x'.repeat(65), count: 1 }],
    ['counts nothing', { kind: 'iban', count: 0 }],
    ['counts less than one', { kind: 'iban', count: 0.5 }],
    ['has a count without a form in JSON', { kind: 'iban', count: Infinity }],
    ['has no count', { kind: 'iban' }],
  ])('drops a finding that %s', (_what, finding) => {
    expect(findingsOf([finding, { kind: 'card', count: 1 }]).findings).toEqual([{ kind: 'card', count: 1 }]);
  });

  it('reads findings that are no list as none', () => {
    expect(findingsOf('iban').findings).toEqual([]);
  });
});
