import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { JsonObject } from '#lib/extension-kit';
import { describeErrors } from '#lib/validation';
import { createSubject } from '../subject-fixture.js';
import { DenyCheck, type DenyRule } from './index.js';
import { DenyOptions } from './deny-options.js';

const check = new DenyCheck();
const judge = (rule: DenyRule, value: JsonObject) =>
  check.check(createSubject(value, { phase: 'arguments' }), { rules: [rule] });

const REFUSED: Readonly<Record<string, readonly [DenyRule, readonly string[]]>> = {
  'path-escape': [
    { presets: ['path-escape'] },
    [
      '../etc/passwd',
      'a/../../b',
      'a\\..\\b',
      '..',
      'a/%2e%2e/b',
      'a/%2E./b',
      'a%2f..%5cb',
      'a/%252e%252e/b',
      'a/%c0%ae%c0%ae/b',
      'a/%u002e%u002e/b',
      'a/．．/b',
      'a/.\u200b./b',
      'a/..;x/b',
      'a/.. /b',
      'a/b\0.txt',
    ],
  ],
  'allowed folders': [
    { allowPaths: ['/data/public', 'docs/'] },
    [
      '/data/private',
      '/data/publicity/x',
      '/data/public/../private',
      '/data/public/%2e%2e/x',
      'a',
      '~/x',
      'C:\\data',
      '',
    ],
  ],
  'sql-write': [
    { presets: ['sql-write'] },
    [
      'DROP TABLE users',
      'select 1; delete from users',
      'SELECT 1 UNION/**/DELETE',
      '/*!50000INSERT*/ INTO x',
      'ｄｒｏｐ table x',
      'select * from x into outfile "y"',
      "select 'a\\'; update x set y = 1",
      'EXEC sp_who',
      'truncate\ttable x',
    ],
  ],
  shell: [
    { presets: ['shell'] },
    ['a; rm -rf /', 'a && b', 'a | b', '$(id)', '`id`', '${HOME}', '$HOME', 'a > b', 'a\nb', 'a%0ab', '%PATH%', 'a；b'],
  ],
  'internal-url': [
    { presets: ['internal-url'] },
    [
      'http://127.0.0.1/x',
      'http://localhost:8080',
      'HTTP://LOCALHOST./',
      'http://2130706433/',
      'http://0x7f.1/',
      'http://0177.0.0.1',
      'http://[::1]/',
      'http://[::ffff:10.0.0.1]/',
      'http://169.254.169.254/latest/meta-data',
      'http://user:x@10.0.0.1/',
      'http:\\\\10.0.0.1\\x',
      'http:/10.0.0.1/x',
      '//192.168.0.1/x',
      'gopher://127.0.0.1:6379/x',
      'see https://example.org and http://172.16.0.1/a',
      'http://intranet/',
      'http://db.internal',
      'http://１２７.0.0.1/',
      'http://127%2e0%2e0%2e1/',
      '10.0.0.1',
      '127.0.0.1:80',
      '[::1]:80',
      'metadata.google.internal/x',
      'https://①②⑦.0.0.1',
    ],
  ],
  'hosts that are not allowed': [
    { allowHosts: ['*.example.com', 'bücher.example'] },
    [
      'https://example.org/',
      'https://example.com.evil.org/x',
      'https://evil.org\\@a.example.com/',
      'https://a.example.com@evil.org/',
      'https://evil.org#a.example.com',
      'https://evil.org?x=a.example.com',
    ],
  ],
  'denied hosts': [
    { denyHosts: ['evil.org', '*.bücher.example'] },
    [
      'https://EVIL.org./x',
      'see http://evil.org',
      'ftp://evil.org',
      'https://a.xn--bcher-kva.example/',
      'https://a.BÜCHER.example',
    ],
  ],
  patterns: [{ patterns: ['(?i)drop\\s+everything'] }, ['please DROP  everything', 'drop%20everything']],
};

const PASSED: Readonly<Record<string, readonly [DenyRule, readonly string[]]>> = {
  'path-escape': [
    { presets: ['path-escape'] },
    ['a/b..c/d', '/data/x.txt', 'C:\\data\\x', '.hidden/./x', 'a...b', '100%', ''],
  ],
  'allowed folders': [
    { allowPaths: ['/data/public', 'docs/'] },
    [
      '/data/public',
      '/data/public/a b.txt',
      '/data//public/./x',
      'file:///data/public/x',
      'docs/x',
      './docs/x',
      '/data\\public\\x',
    ],
  ],
  'sql-write': [
    { presets: ['sql-write'] },
    [
      'SELECT update_time, "created" FROM updates WHERE dropped = 1',
      'select replace(a, b, c) from x',
      'WITH x AS (SELECT 1) TABLE x',
    ],
  ],
  shell: [{ presets: ['shell'] }, ['a b-c_d.txt', "it's 5 % of $ 7, (really) #1!", '/usr/bin/env', 'a=b, c:d']],
  'internal-url': [
    { presets: ['internal-url'] },
    [
      'https://example.org:8443/a',
      'http://8.8.8.8/',
      'http://[2606:4700::1111]/',
      'word',
      'a sentence. Another one',
      '12',
      'example.org',
    ],
  ],
  'allowed hosts': [
    { allowHosts: ['*.example.com', 'bücher.example'] },
    ['https://a.example.com/x', 'https://A.EXAMPLE.COM.:443', 'http://xn--bcher-kva.example', 'no URL at all'],
  ],
};

describe('the check deny', () => {
  const refused = Object.entries(REFUSED).flatMap(([name, [rule, texts]]) =>
    texts.map((text) => [name, text, rule] as const),
  );
  it.each(refused)('refuses %s: %j', (_name, text, rule) => {
    const verdict = judge(rule, { a: [{ b: text }] });
    expect(verdict).toMatchObject({ action: 'refuse', reason: expect.stringMatching(/^An argument .*\.$/) });
  });

  const passed = Object.entries(PASSED).flatMap(([name, [rule, texts]]) =>
    texts.map((text) => [name, text, rule] as const),
  );
  it.each(passed)('passes what is no %s: %j', (_name, text, rule) => {
    expect(judge(Object.assign({ arguments: ['/a'] }, rule), { a: text })).toEqual({ action: 'pass' });
  });

  it('examines the arguments at its pointers, and below', () => {
    const rule = { arguments: ['/path', '/filters/*/value', '/a~1b'], presets: ['path-escape' as const] };
    expect(judge(rule, { path: '/a', other: '../x', filters: [{ name: '..', value: 'y' }] })).toEqual({
      action: 'pass',
    });
    for (const value of [
      { path: '../x' },
      { path: { deep: ['..'] } },
      { filters: [{}, { value: '..' }] },
      { 'a/b': '..' },
    ]) {
      expect(judge(rule, value)).toMatchObject({ action: 'refuse', findings: [{ kind: 'path-escape', count: 1 }] });
    }
  });

  it('names the pointer of the rule, and repeats nothing of the arguments', () => {
    const verdict = judge({ arguments: ['/filters/*'], presets: ['shell'] }, { filters: { CANARY: '; CANARY' } });
    expect(verdict).toEqual({
      action: 'refuse',
      reason: 'The argument at /filters/* contains characters that a shell interprets. Leave them out.',
      findings: [{ kind: 'shell', count: 1 }],
    });
  });

  it('fails for arguments that are too large for its patterns', () => {
    expect(() => judge({ patterns: ['(a|b)*c'] }, { a: 'x'.repeat(5_000_000) })).toThrow(/more text/);
  });

  it.each([
    [{}, 'rules is missing'],
    [{ rules: [] }, 'rules must not be empty'],
    [
      { rules: [{ presets: ['x'] }] },
      'rules[0].presets must contain only one of path-escape, sql-write, shell or internal-url',
    ],
    [
      { rules: [{ arguments: ['path'] }] },
      'rules[0].arguments must be JSON pointers, such as /path or /filters/*/value',
    ],
    [{ rules: [{ path: '/a' }] }, 'rules[0].path is not a known member'],
  ])('refuses the options %j', (options, message) => {
    const errors = validateSync(plainToInstance(DenyOptions, options), { whitelist: true, forbidNonWhitelisted: true });
    expect(describeErrors(errors).map((fault) => `${fault.path} ${fault.message}`)).toEqual([message]);
  });
});
