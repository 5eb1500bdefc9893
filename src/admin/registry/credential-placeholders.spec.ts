import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsOptional, IsString } from 'class-validator';
import { ConnectsUpstream, Guardrail, GuardrailCheck, PASS, Secret, UpstreamAdapter } from '#lib/extension-kit';
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

describe('an entry of a kind of an extension', () => {
  class LedgerOptions {
    @IsString() readonly host!: string;
    @Secret() @IsString() readonly password!: string;
  }
  class LedgerEntry {
    @IsString() readonly url!: string;
    @IsOptional() @Type(() => LedgerOptions) readonly options?: LedgerOptions;
    @IsOptional() @Secret() @IsString() readonly token?: string;
    @IsOptional() @Secret() @IsString() readonly pin?: string;
  }
  class LedgerAdapter extends UpstreamAdapter<LedgerEntry> {
    override connect = () => Promise.reject(new Error('no ledger'));
  }
  ConnectsUpstream('ledger', { entry: LedgerEntry })(LedgerAdapter);
  const ledger = {
    transport: 'ledger',
    title: 'Ledger',
    url: 'nats://good.example:1?x=1',
    options: { host: 'good.example', password: 's1' },
    token: 's2',
  };

  it('keeps its credentials while the members of the kind stay as they are', () => {
    const masked = maskCredentials(ledger);
    expect(JSON.stringify(masked)).not.toMatch(/s\d/);
    expect(restoreCredentials({ ...masked, title: 'New' }, ledger)).toEqual({ ...ledger, title: 'New' });
  });

  it.each([
    ['a URL of another host', { url: 'nats://evil.example:1?x=1' }],
    ['another host in its options', { options: { host: 'evil.example', password: '[kept]' } }],
    ['another credential, which may be a connection string', { pin: 'nats://evil.example' }],
    ['a placeholder in a member that holds no credential', { url: '[kept]', colour: '[kept]' }],
    ['another kind', { transport: 'ledgers' }],
  ])('refuses to keep its credentials for %s', (_name, change) => {
    expect(() => restoreCredentials({ ...maskCredentials(ledger), ...change }, ledger)).toThrow(EntryInvalid);
  });

  it('restores what was masked while its extension was missing', () => {
    const masked = { ...ledger, url: '[kept]', options: { host: '[kept]', password: '[kept]' }, token: '[kept]' };
    expect(restoreCredentials(masked, ledger)).toEqual(ledger);
    expect(() => restoreCredentials(masked, undefined)).toThrow(EntryInvalid);
  });

  it('shows nothing of a URL that is a credential as a whole', () => {
    const entry = { transport: 'no-such-kind', url: 'nats://user:s3@good.example' };
    expect(maskCredentials(entry)).toEqual({ transport: 'no-such-kind', url: '[kept]' });
    expect(restoreCredentials(maskCredentials(entry), entry)).toEqual(entry);
  });
});

describe('a guardrail of the check of an extension', () => {
  class Service {
    @IsString() readonly host!: string;
    @Secret() @IsString() readonly dsn!: string;
  }
  class VaultOptions {
    @Type(() => Service) readonly services!: readonly Service[];
    @Secret() @IsString() readonly passphrase!: string;
    @IsOptional() @IsString() readonly token?: string;
  }
  class VaultCheck extends GuardrailCheck {
    override check = () => PASS;
  }
  Guardrail('credential-vault', { phases: ['arguments'], options: VaultOptions })(VaultCheck);
  const service = { host: 'good.example', dsn: 's1' };
  const guardrail = {
    check: 'credential-vault',
    mode: 'observe',
    options: { services: [service], passphrase: 's2', token: 'a word' },
  };

  it('shows everything but what its options mark as credentials', () => {
    expect(maskCredentials(guardrail)).toEqual({
      ...guardrail,
      options: { services: [{ host: 'good.example', dsn: '[kept]' }], passphrase: '[kept]', token: 'a word' },
    });
  });

  it('shows no option while its extension is missing, and keeps them all', () => {
    const missing = { ...guardrail, check: 'no-such-check' };
    expect(JSON.stringify(maskCredentials(missing))).not.toMatch(/s\d|good|word/);
    expect(restoreCredentials({ ...maskCredentials(missing), mode: 'enforce' }, missing)).toEqual({
      ...missing,
      mode: 'enforce',
    });
  });

  it('keeps its credentials while the check and its options stay as they are', () => {
    const masked = { ...maskCredentials(guardrail), mode: 'enforce' };
    expect(restoreCredentials(masked, guardrail)).toEqual({ ...guardrail, mode: 'enforce' });
  });

  const kept = { services: [{ ...service, dsn: '[kept]' }], passphrase: '[kept]', token: 'a word' };
  it.each([
    ['another host', { options: { ...kept, services: [{ host: 'evil.example', dsn: '[kept]' }] } }],
    ['another credential, which may be a connection string', { options: { ...kept, passphrase: 'evil' } }],
    ['another option', { options: { ...kept, token: 'b' } }],
    ['another check', { check: 'webhook', options: kept }],
  ])('refuses to keep its credentials for %s', (_name, change) => {
    expect(() => restoreCredentials({ ...guardrail, ...change }, guardrail)).toThrow(EntryInvalid);
  });
});
