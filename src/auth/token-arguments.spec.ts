import { describe, expect, it } from '@jest/globals';
import { parseTokenArguments } from './token-arguments.js';

describe('the command line of the token tool', () => {
  it('is parsed into the options of a token', () => {
    const line = '--subject me@example.com --role admin --role=auditor --scope a --expires 90s --audience else';
    expect(parseTokenArguments(line.split(' '))).toEqual({
      subject: 'me@example.com',
      roles: ['admin', 'auditor'],
      scopes: ['a'],
      expiresInSeconds: 90,
      audience: 'else',
    });
  });

  it('defaults to a lifetime of one hour and to this gateway as audience', () => {
    expect(parseTokenArguments(['--subject', 'me'])).toEqual({ subject: 'me', expiresInSeconds: 3_600 });
  });

  it.each([
    ['', /--subject is missing/],
    ['--subject', /--subject.* argument missing/],
    ['--subject --role x', /--subject' argument is ambiguous/],
    ['--subjet me', /Unknown option --subjet\. Did you mean --subject\?/],
    ['--subject me you', /'you'/],
    ['--subject me --expires soon', /--expires soon: expected a duration such as/],
    ['--subject me --expires 60', /--expires 60: expected a duration/],
    ['--subject me --expires 0s', /from 1s to 365d/],
    ['--subject me --expires 366d', /from 1s to 365d/],
    ['--subject me --help=yes', /--help/],
  ])('is rejected with the reason when it is "%s"', (line, fault) => {
    expect(() => parseTokenArguments(line.split(' ').filter(Boolean))).toThrow(fault);
  });

  it('requests the usage text with --help', () => expect(parseTokenArguments(['--help'])).toBe('help'));
});
