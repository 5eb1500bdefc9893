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

const rest = {
  transport: 'rest',
  url: 'https://api.example/v1?key=s1&key=s2&s3',
  tools: { get: { path: '/a', headers: { A: 's4' }, query: { q: 's5' }, body: { a: ['s6', 7] } } },
};

it('restoreCredentials restores the query of a URL and the members of REST tools, while other members change', () => {
  const masked = maskCredentials(rest);
  expect(JSON.stringify(masked)).not.toMatch(/s\d/);
  expect(restoreCredentials(masked, rest)).toEqual(rest);
  expect(restoreCredentials({ ...masked, url: 'https://api.example/v2?key=[kept]', title: 'New' }, rest)).toEqual({
    ...rest,
    url: 'https://api.example/v2?key=s1',
    title: 'New',
  });
});

it.each([
  ['another host', { url: 'https://evil.example/v1?key=[kept]' }],
  ['a parameter that is not stored', { url: 'https://api.example/v1?other=[kept]' }],
  ['a tool that is not stored', { tools: { other: { path: '/a', headers: { A: '[kept]' } } } }],
])('restoreCredentials refuses a placeholder for %s', (_name, change) => {
  expect(() => restoreCredentials({ ...rest, ...change }, rest)).toThrow(EntryInvalid);
});

it('restoreCredentials refuses to keep the value of a secret for further origins', () => {
  const secret = { value: 'v', origins: ['https://a.example'] };
  expect(restoreCredentials({ value: '[kept]', origins: [] }, secret)).toEqual({ value: 'v', origins: [] });
  expect(() => restoreCredentials({ value: '[kept]', origins: ['*'] }, secret)).toThrow(EntryInvalid);
});
