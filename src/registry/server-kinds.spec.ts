import { expect, it } from '@jest/globals';
import { Transform } from 'class-transformer';
import { IsOptional, IsString, Matches } from 'class-validator';
import { Secret } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import type { Fault } from './registry.errors.js';
import { findKindFault, ServerKinds } from './server-kinds.js';

class LedgerEntry {
  @Transform(({ value }: { value: unknown }) => (value as string).trim())
  @IsString()
  readonly book!: string;

  @IsOptional() @Secret() @Matches(/^k-/, { message: 'must begin with k-, unlike $value' }) readonly key?: string;
}

const kinds = new ServerKinds([{ name: 'ledger', entry: LedgerEntry }]);

it('reports what the entry class of an extension throws as a fault of the entry, without its message', () => {
  const faults: Fault[] = [];
  expect(kinds.read('main', { transport: 'ledger', book: 7 }, faults)).toBeUndefined();
  expect(faults).toEqual([
    {
      path: 'servers.main',
      message: 'cannot be read: LedgerEntry has thrown a TypeError. Correct the entry, or the class of the extension.',
    },
  ]);
  expect(kinds.read('main', { transport: 'ledger', book: ' a ' }, [])).toMatchObject({ entry: { book: 'a' } });
});

it('quotes no credential in a message of a rule of an extension', () => {
  const faults: Fault[] = [];
  kinds.read('main', { transport: 'ledger', book: 'a', key: 'fjord-and-fjell' }, faults);
  expect(faults).toEqual([{ path: 'servers.main.key', message: 'must begin with k-, unlike [hidden].' }]);
});

it.each(['http', 'ledger'])(
  'refuses a key of an entry of the kind %s that would replace its prototype',
  (transport) => {
    const faults: Fault[] = [];
    const entry = JSON.parse(`{"transport":"${transport}","__proto__":{"url":"x"}}`) as JsonObject;
    expect(kinds.read('main', entry, faults)).toBeUndefined();
    expect(faults).toEqual([{ path: 'servers.main.__proto__', message: 'Unknown key.' }]);
  },
);

it('refuses a kind that without its extension would count as a misspelling of another', () => {
  expect(findKindFault({ name: 'https', entry: LedgerEntry })).toContain('easily confused with the kind "http"');
  expect(findKindFault({ name: 'ledger', entry: LedgerEntry })).toBeUndefined();
});
