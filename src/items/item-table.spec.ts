import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import type { Database } from '../database/index.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import { toDefinition, type Definition } from './definition.js';
import type { ItemOverrides } from './item-record.js';
import { ItemTable } from './item-table.js';
import { ShownNameTaken } from './shown-name-taken.js';

const AT = new Date('2026-01-01T00:00:00Z');

function definitionOf(name: string, description = 'first'): Definition {
  const definition = toDefinition('tools', { name, description, inputSchema: { type: 'object' } });
  if (!definition) throw new Error('The definition is invalid.');
  return definition;
}

function toRefusal(cause: unknown): undefined {
  if (!(cause instanceof ShownNameTaken)) throw cause;
}

const keyOf = (name: string) => ({ identity: 's', kind: 'tools', name }) as const;

describe.each(DATABASE_KINDS)('the table of items, stored in $name,', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  const opened: Database[] = [];

  beforeAll(async () => {
    host = await start();
  });
  beforeEach(async () => {
    place = await host.createDatabase();
  });
  afterEach(() => Promise.all(opened.splice(0).map((database) => database.close())));
  afterAll(() => host.stop());

  async function openTable(): Promise<ItemTable> {
    const database = await openDatabase(place);
    opened.push(database);
    return new ItemTable(database);
  }

  const see = (table: ItemTable, names: readonly string[], description?: string) =>
    table.recordObservations(
      names.map((name) => {
        const seen = definitionOf(name, description);
        return { ...keyOf(name), seen, first: seen, flags: [] };
      }),
      AT,
    );

  const rename = (table: ItemTable, name: string, shownName: string) =>
    table.setOverrides(keyOf(name), (stored) => ({ ...stored, shownName }));

  const namesIn = async (table: ItemTable) => (await table.readAll()).map(({ name }) => name).toSorted();

  /** All items by name, in a form that can be compared. */
  const stateOf = async (table: ItemTable) =>
    (await table.readAll()).toSorted((one, other) => (one.name < other.name ? -1 : 1));

  it('reads again only the rows that changed since it was read', async () => {
    const [one, other] = [await openTable(), await openTable()];
    await see(one, ['a', 'b', 'c']);
    expect(await namesIn(other)).toEqual(['a', 'b', 'c']);
    // Not through the gateway, so no revision shows it: a read of all rows would find it.
    await host.run(place, `update items set shown_name = 'unread' where name = 'b'`);
    await rename(one, 'c', 'renamed');
    await see(one, ['d']);
    const items = new Map((await other.readAll()).map((item) => [item.name, item.shownName]));
    expect(items).toEqual(
      new Map([
        ['a', undefined],
        ['b', undefined],
        ['c', 'renamed'],
        ['d', undefined],
      ]),
    );
  });

  it('notices rows that were deleted, also when others were inserted at once', async () => {
    const [one, other] = [await openTable(), await openTable()];
    await see(one, ['a', 'b', 'c']);
    expect(await namesIn(other)).toEqual(['a', 'b', 'c']);
    await host.run(place, `delete from items where name in ('a', 'b')`);
    await see(one, ['d', 'e', 'b']);
    expect(await namesIn(other)).toEqual(['b', 'c', 'd', 'e']);
    await host.run(place, 'delete from items');
    expect(await namesIn(other)).toEqual([]);
  });

  it('notices changes of a worker whose version does not record them in the rows', async () => {
    const [one, other] = [await openTable(), await openTable()];
    await see(one, ['a', 'b']);
    expect(await namesIn(other)).toEqual(['a', 'b']);
    await host.run(place, `update items set shown_name = 'renamed' where name = 'a'`);
    await host.run(place, 'update item_state set revision = revision + 1');
    expect((await other.readAll()).find(({ name }) => name === 'a')?.shownName).toBe('renamed');
  });

  it('gives two items that are renamed at the same time different names', async () => {
    const [one, other] = [await openTable(), await openTable()];
    await see(one, ['a', 'b']);
    const outcomes = await Promise.allSettled([rename(one, 'a', 'shown'), rename(other, 'b', 'shown')]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await expect(rename(one, 'a', 'b')).rejects.toThrow('Another item of this server has this name.');
    expect((await one.readAll()).filter(({ shownName }) => shownName !== undefined)).toHaveLength(1);
  });

  it('disables a renamed item although the server lists another one of that name since', async () => {
    const table = await openTable();
    await see(table, ['a']);
    await rename(table, 'a', 'b');
    await see(table, ['b']);
    const disable = (stored: ItemOverrides) => ({ ...stored, isDisabled: true });
    expect(await table.setOverrides(keyOf('a'), disable)).toMatchObject({ isDisabled: true, shownName: 'b' });
  });

  it('does not give an item its own name back while another one is shown under it', async () => {
    const table = await openTable();
    await see(table, ['b']);
    await rename(table, 'b', 'c');
    await see(table, ['a']);
    // Earlier versions allowed it.
    await host.run(place, `update items set shown_name = 'b' where name = 'a'`);
    const reset = table.setOverrides(keyOf('b'), ({ isDisabled }) => ({ isDisabled }));
    await expect(reset).rejects.toThrow('Another item of this server has this name.');
  });

  it('keeps all overrides that are changed at the same time', async () => {
    const [one, other] = [await openTable(), await openTable()];
    await see(one, ['a']);
    await Promise.all([
      one.setOverrides(keyOf('a'), (stored) => ({ ...stored, isDisabled: true })),
      rename(other, 'a', 'shown'),
    ]);
    expect(await one.readAll()).toMatchObject([{ isDisabled: true, shownName: 'shown' }]);
    expect(await rename(one, 'missing', 'free')).toBeUndefined();
  });

  it('reads the same items as a table that is read for the first time, after any changes', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const change = fc.oneof(
      fc.record({ kind: fc.constant('see' as const), name, text: fc.constantFrom('first', 'second') }),
      fc.record({ kind: fc.constant('approve' as const), name, text: fc.constantFrom('first', 'second') }),
      fc.record({ kind: fc.constant('rename' as const), name, text: fc.constantFrom('x', 'y') }),
      fc.record({ kind: fc.constant('delete' as const), name, text: fc.constant('') }),
      fc.record({ kind: fc.constant('read' as const), name, text: fc.constant('') }),
    );
    const [writer, reader] = [await openTable(), await openTable()];
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        for (const { kind, name: item, text } of changes) {
          if (kind === 'see') await see(writer, [item], text);
          else if (kind === 'approve') await writer.approve(keyOf(item), definitionOf(item, text).digest);
          else if (kind === 'rename') await rename(writer, item, text).catch(toRefusal);
          else if (kind === 'delete') await host.run(place, `delete from items where name = '${item}'`);
          else await reader.readAll();
        }
        expect(await stateOf(reader)).toEqual(await stateOf(await openTable()));
      }),
      { numRuns: 15 },
    );
  });
});
