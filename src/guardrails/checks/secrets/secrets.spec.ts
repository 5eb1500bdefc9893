import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createSubject, kindsOf, textResult, valueAfter, verdictOf } from '../subject-fixture.js';
import { textsOf, valuesWith } from '../nested-value-fixture.js';
import { SECRET_RULES, SecretsCheck } from './index.js';

const check = new SecretsCheck();
const judge = (text: string) => verdictOf(check.check(createSubject(textResult(text)), {}));
const maskedText = (text: string): string => textsOf(valueAfter(judge(text), textResult(text)));

/** Random-looking text that is no credential of anyone. */
const random = (length: number): string => 'a8Fk2Zq7Lw9XcV4bN6mT3yR5'.repeat(8).slice(0, length);
const upper = (length: number): string => random(length).toUpperCase();
const hex = (length: number): string => '0123456789abcdef'.repeat(8).slice(0, length);
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const TOKEN = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: 'ada' })}.${random(43)}`;
const PEM = ['-----BEGIN RSA PRIVATE KEY-----', random(64), random(64), '-----END RSA PRIVATE KEY-----'].join('\n');

/** Kind and credential. Built from parts, so that no scanner takes this file for a leak. */
const CREDENTIALS: readonly (readonly [kind: string, credential: string])[] = [
  ['aws-access-key', 'AKIA' + upper(16)],
  ['gcp-api-key', 'AIza' + random(35)],
  ['gcp-access-token', 'ya29.' + random(60)],
  ['gcp-client-secret', 'GOCSPX-' + random(28)],
  ['azure-account-key', 'AccountKey=' + random(86) + '=='],
  ['azure-client-secret', 'abc8Q~' + random(34)],
  ['azure-sas-signature', '?sv=1&sig=' + random(43) + '%3D'],
  ['github-token', 'ghp_' + random(36)],
  ['github-token', 'github_pat_' + random(82)],
  ['gitlab-token', 'glpat-' + random(20)],
  ['npm-token', 'npm_' + random(36)],
  ['pypi-token', 'pypi-AgE' + random(80)],
  ['docker-token', 'dckr_pat_' + random(27)],
  ['slack-token', 'xoxb-123456789012-' + random(24)],
  ['slack-token', 'xapp-1-' + upper(11) + '-' + random(20)],
  ['slack-webhook', 'hooks.slack.com/services/' + upper(9) + '/' + upper(9) + '/' + random(24)],
  ['stripe-key', 'sk_live_' + random(24)],
  ['stripe-key', 'rk_test_' + random(99)],
  ['webhook-secret', 'whsec_' + random(44)],
  ['sendgrid-key', 'SG.' + random(22) + '.' + random(43)],
  ['twilio-key', 'SK' + hex(32)],
  ['openai-key', 'sk-proj-' + random(80)],
  ['anthropic-key', 'sk-ant-api03-' + random(80)],
  ['huggingface-token', 'hf_' + 'abcdefghij'.repeat(4).slice(0, 34)],
  ['digitalocean-token', 'dop_v1_' + hex(64)],
  ['shopify-token', 'shpat_' + hex(32)],
  ['vault-token', 'hvs.' + random(90)],
  ['databricks-token', 'dapi' + hex(32)],
  ['linear-key', 'lin_api_' + random(40)],
  ['telegram-token', '1234567890:AA' + random(33)],
  ['age-key', 'AGE-SECRET-KEY-1' + upper(58)],
  ['gateway-token', 'isthmus_pat_' + random(43)],
  ['authorization', 'Bearer ' + random(40)],
  ['private-key', PEM],
  ['private-key', PEM.replaceAll('\n', '\\n')],
  ['json-web-token', TOKEN],
  ['assigned-secret', `aws_secret_access_key = ${random(40)}`],
  ['assigned-secret', `"client_secret": "${random(32)}"`],
  ['assigned-secret', `{\\"apiKey\\":\\"${random(32)}\\"}`],
  ['assigned-secret', `DB_PASSWORD='correct horse battery 1'`],
  ['assigned-secret', `api-token=${random(24)}&page=2`],
  ['url-credentials', 'postgres://app:s3cr:et-s3cret@'],
  ['url-credentials', 'redis://:s3cret-s3cret@'],
];

/** Texts without a credential. */
const HARMLESS: readonly string[] = [
  'The quick brown fox. 12,345 rows; 99 % done.',
  'max_tokens: 4096, tokens=12, total_token_count: 1234567890123456',
  `nextPageToken: ${random(40)}`,
  `next_cursor=${encode({ id: 7, at: 'x' })}`,
  `primary_key: ${random(20)}, sort key = ${random(20)}`,
  `commit ${hex(40)} sha256:${hex(64)}`,
  'id 0f8fad5b-d9cb-469f-a165-70867728950e',
  'password: ${DB_PASSWORD}, api_key=<your-key-here>, token: "********************", secret=YOUR_SECRET_1234567890',
  'Set `password` to the password of the user. The key: always lock the door, and keep the secret: tell nobody.',
  'API_KEY=process.env.API_KEY_2_OF_THE_SERVICE',
  'https://example.org/a:b@c?token= ssh://git@example.org/x user@example.org http://a/ftp://x',
  'https://user:${PASSWORD}@example.org',
  'AKIA is the prefix of access keys; ghp_ and eyJ are others. sk-learn, SK1234, npm_config_cache',
  `data:image/png;base64,${random(150)}`,
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  'a Basic understanding of internationalization',
  'eyJ.eyJ.eyJ',
];

describe('the check secrets', () => {
  it.each(CREDENTIALS)('masks %s: %#', (kind, credential) => {
    const verdict = judge(`before ${credential} after`);
    expect(kindsOf(verdict)).toContainEqual(expect.stringMatching(new RegExp(`^${kind} 1$`)));
    const after = maskedText(`before ${credential} after`);
    expect(after).toMatch(/before .*\[[a-z-]+\].* after/s);
    expect(after).not.toContain(credential.slice(-12).replace(/["'\\}]+$/, ''));
  });

  it.each(HARMLESS)('passes a text without a credential: %s', (text) => {
    expect(judge(text)).toEqual({ action: 'pass' });
  });

  it('masks a member whose name says that it is a secret, and leaves others', () => {
    const value = { structuredContent: { password: 'hunter22', apiKey: random(32), key: random(32), keys: 'none' } };
    const verdict = verdictOf(check.check(createSubject(value), {}));
    expect(verdict).toEqual({
      action: 'change',
      value: {
        structuredContent: {
          password: '[assigned-secret]',
          apiKey: '[assigned-secret]',
          key: random(32),
          keys: 'none',
        },
      },
      findings: [{ kind: 'assigned-secret', count: 2 }],
    });
  });

  it('masks a private key whose end is missing, with what may belong to it', () => {
    expect(maskedText(`before ${PEM.slice(0, 120)}\n; after`)).toContain('before [private-key]; after');
  });

  it('keeps what surrounds a credential', () => {
    expect(maskedText('Use postgres://app:s3cret@db:5432/x now')).toContain(
      'Use postgres://[url-credentials]@db:5432/x now',
    );
    expect(maskedText(`a=1&api_token=${random(24)}&page=2`)).toContain('a=1&api_token=[assigned-secret]&page=2');
  });

  it('refuses with a reason that says what to do and repeats nothing', () => {
    const credential = 'ghp_' + random(36);
    const subject = createSubject({ text: credential }, { phase: 'arguments' });
    expect(check.check(subject, { action: 'refuse' })).toEqual({
      action: 'refuse',
      reason: 'The arguments contain a credential. Remove it, or refer to it by a name that the server knows.',
      findings: [{ kind: 'github-token', count: 1 }],
    });
  });

  it('leaves no character run of a credential anywhere in a value', () => {
    const characters = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'X', 'Y', 'Z', '0', '1', '8', '9'),
      minLength: 36,
      maxLength: 80,
    });
    const planted = fc.oneof(
      characters.map((text) => `ghp_${text}`),
      characters.map((text) => `glpat-${text}`),
      characters.map((text) => `sk-ant-${text}`),
      characters.map((text) => `xoxb-${text}`),
      characters.map((text) => `-----BEGIN PRIVATE KEY-----\n${text}\n${text}\n-----END PRIVATE KEY-----`),
      characters.map((text) => `${encode({ alg: 'none' })}.${text}.${text}`),
      characters.map((text) => `https://u:${text}@example.org/`),
    );
    fc.assert(
      fc.property(valuesWith(planted), ({ value, planted: credential }) => {
        const verdict = verdictOf(check.check(createSubject(value), {}));
        const after = textsOf(valueAfter(verdict, value));
        for (let start = 0; start + 12 < credential.length; start += 1) {
          const part = credential.slice(start, start + 12);
          if (/[a-zA-Z\d]{12}/.test(part)) expect(after).not.toContain(part);
        }
      }),
    );
  });

  it('returns values without a credential unchanged', () => {
    const words = fc.array(fc.constantFrom('alpha', 'beta', '42', '3.14', 'x@y', 'key', '::'), { maxLength: 30 });
    fc.assert(
      fc.property(valuesWith(words.map((list) => list.join(' '))), ({ value }) => {
        expect(verdictOf(check.check(createSubject(value), {}))).toEqual({ action: 'pass' });
      }),
    );
  });

  it.each(SECRET_RULES)('searches for $kind without a repetition that is unbounded or nested', ({ head, tail }) => {
    const outsideClasses = head.source.replaceAll(/\\./g, 'x').replaceAll(/\[[^\]]*\]/g, 'c');
    // A group may be repeated at most once (`?`), and a character at most 100 times.
    expect(outsideClasses).not.toMatch(/[*+]|\{\d+,\}|\)[*+{]/);
    for (const [, bound] of outsideClasses.matchAll(/\{(?:\d+,)?(\d+)\}/g)) expect(Number(bound)).toBeLessThan(101);
    if (tail !== undefined) expect(tail.source).toMatch(/^\[[^\]]+\]\*$/);
  });
});
