import { expect, it } from '@jest/globals';
import { EntryInvalid } from '../../registry/index.js';
import { restoreCredentials, maskCredentials } from './credential-placeholders.js';

const stored = { transport: 'stdio', command: 'node', args: ['server.js', '--key=secret'], env: { KEY: 'secret' } };

it('gives back what is stored to what was shown', () => {
  expect(restoreCredentials(maskCredentials(stored), stored)).toEqual(stored);
});

it.each([
  ['another argument', ['-e', 'console.log(process.env)']],
  ['one argument more', ['[kept]', '[kept]', '--inspect']],
  ['one argument less', ['[kept]']],
  ['another argument beside a kept one', ['other.js', '[kept]']],
])('keeps nothing for %s: the arguments say what the program does', (_name, args) => {
  expect(() => restoreCredentials({ ...maskCredentials(stored), args }, stored)).toThrow(EntryInvalid);
});
