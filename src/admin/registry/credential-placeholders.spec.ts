import { expect, it } from '@jest/globals';
import { EntryInvalid } from '../../registry/index.js';
import { restoreCredentials, maskCredentials } from './credential-placeholders.js';

const stored = { transport: 'stdio', command: 'node', args: ['server.js', '--key=secret'], env: { KEY: 'secret' } };

it('restoreCredentials restores every credential of a masked entry', () => {
  expect(restoreCredentials(maskCredentials(stored), stored)).toEqual(stored);
});

it.each([
  ['another argument', ['-e', 'console.log(process.env)']],
  ['one argument more', ['[kept]', '[kept]', '--inspect']],
  ['one argument less', ['[kept]']],
  ['another argument beside a placeholder', ['other.js', '[kept]']],
])('restoreCredentials refuses to restore credentials for %s, which makes it another program', (_name, args) => {
  expect(() => restoreCredentials({ ...maskCredentials(stored), args }, stored)).toThrow(EntryInvalid);
});
