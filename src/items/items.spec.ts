import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import { until } from '../../test/support/until.js';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { openDatabase, type Database, type DatabasePlace } from '../database/index.js';
import { definitionOf, Items } from './index.js';

const strict = remoteServer('strict', { toolChanges: 'quarantine' });
const lax = remoteServer('lax');
const tool = (description: string, name = 'pay') => ({ name, description, inputSchema: { type: 'object' } });

/** A list that the server has sent just now: what is shown of it. */
function hear(items: Items, server: ServerDefinition, page: readonly JsonObject[]): readonly JsonValue[] {
  items.observe(server, 'tools', page);
  return items.toVisibleItems(server, 'tools', page);
}

beforeEach(() => Logger.overrideLogger(false));

describe.each(DATABASE_KINDS)('the items of servers, in $name,', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  const opened: { readonly tools: Items; readonly database: Database }[] = [];

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.place();
  });

  async function stop({ tools, database }: (typeof opened)[number]): Promise<void> {
    await tools.onApplicationShutdown();
    await database.close();
  }

  afterEach(() => Promise.all(opened.splice(0).map(stop)));
  afterAll(() => host.stop());

  async function worker(registry = new FakeRegistry([strict, lax])): Promise<Items> {
    const database = await openDatabase(place);
    const tools = new Items(database, registry);
    await tools.onApplicationBootstrap();
    opened.push({ tools, database });
    return tools;
  }

  /** What a worker knows of the tool, once it knows something like that. */
  const known = (tools: Items, server: string) => tools.list('tools').find((each) => each.server === server);

  it('are pinned when they are seen first, at every worker, and kept back when they change', async () => {
    const [one, other] = [await worker(), await worker()];
    expect(hear(one, strict, [tool('Pays.')])).toEqual([tool('Pays.')]);
    await until(() => known(other, 'strict') !== undefined);
    expect(hear(other, strict, [tool('Pays somebody else.')])).toEqual([]);
    expect(other.checkTool(strict, 'pay')).toBe('quarantined');
    await until(() => one.checkTool(strict, 'pay') === 'quarantined');
    const seen = await one.find({ server: 'strict', kind: 'tools', name: 'pay' });
    expect(seen).toMatchObject({ approved: tool('Pays.'), seen: tool('Pays somebody else.') });
    expect(await one.approve({ server: 'strict', kind: 'tools', name: 'pay' }, seen!.approvedDigest)).toBe(false);
    expect(await one.approve({ server: 'strict', kind: 'tools', name: 'pay' }, seen!.seenDigest)).toBe(true);
    expect(one.checkTool(strict, 'pay')).toBe('yes');
    await until(() => other.checkTool(strict, 'pay') === 'yes');
  });

  it('go with the template that they are of, unless they are listed or of another one', async () => {
    const items = await worker();
    items.observe(lax, 'resourceTemplates', [
      { name: 'all', uriTemplate: 'db://{table}/{id}' },
      { name: 'news', uriTemplate: 'db://news/{id}' },
    ]);
    items.observe(lax, 'resources', [{ name: 'listed', uri: 'db://users/1' }]);
    const key = { server: 'lax', kind: 'resourceTemplates', name: 'db://{table}/{id}' } as const;
    await until(async () => items.list('resources').length === 1 && (await items.find(key)) !== undefined);
    const readable = () =>
      ['db://users/1', 'db://users/2', 'db://news/2', 'db:other'].filter((uri) =>
        items.resolveOwnName(lax, 'resources', uri),
      );
    expect(readable()).toHaveLength(4);
    await items.setOverrides(key, { isDisabled: true });
    expect(readable()).toEqual(['db://users/1', 'db://news/2', 'db:other']);
  });

  it('are brought to what was approved and said elsewhere, and what is seen here counts more', async () => {
    const [one, other] = [await worker(), await worker()];
    const key = { server: 'strict', kind: 'tools', name: 'pay' } as const;
    const [approved, seen] = [tool('Pays.'), tool('Pays somebody else.')].map((each) => definitionOf('tools', each)!);
    const [firstSeenAt, changedAt] = [new Date(1_000), new Date(2_000)];
    const item = { ...key, approved: approved!, seen: approved!, isDisabled: false, shownName: 'give' };
    const restored = [{ ...item, firstSeenAt, changedAt }];
    hear(other, strict, [tool('Pays somebody else.')]);
    const options = { replace: false, dryRun: false };
    await until(() => known(one, 'strict') !== undefined);
    expect(await one.restore(restored, { ...options, dryRun: true })).toMatchObject({ updated: 1 });
    expect(await one.find(key)).not.toHaveProperty('shownName');
    expect(await one.restore(restored, options)).toEqual({ created: 0, updated: 1, reset: 0, unchanged: 0 });
    expect(await one.find(key)).toMatchObject({ shownName: 'give', approved: tool('Pays.'), seenDigest: seen!.digest });
    await until(() => other.checkTool(strict, 'pay') === 'quarantined');
    expect(await one.restore(restored, options)).toMatchObject({ updated: 0, unchanged: 1 });
    expect(await one.restore([], { ...options, replace: true })).toMatchObject({ reset: 1 });
    const found = await one.find(key);
    expect(found).toMatchObject({ approved: tool('Pays.'), isDisabled: false });
    expect(found).not.toHaveProperty('shownName');
    expect(await one.readDefinitions()).toHaveLength(1);
  });

  it('are looked at again when what was familiar here is news again, by what another worker saw', async () => {
    const [one, other] = [await worker(), await worker()];
    for (let time = 0; time < 3; time += 1) hear(one, strict, [tool('Pays.')]);
    await until(() => known(other, 'strict') !== undefined);
    hear(other, strict, [tool('Pays somebody else.')]);
    await until(() => one.checkTool(strict, 'pay') === 'quarantined');
    expect(hear(one, strict, [tool('Pays.')])).toEqual([tool('Pays.')]);
    expect(one.checkTool(strict, 'pay')).toBe('yes');
    await until(() => other.checkTool(strict, 'pay') === 'yes');
  });

  it('stay kept back over a restart, and come back by themselves when the server takes the change back', async () => {
    const one = await worker();
    hear(one, strict, [tool('Pays.')]);
    hear(one, strict, [tool('Changed at once.')]);
    await stop(opened.pop()!);
    const again = await worker();
    expect(again.checkTool(strict, 'pay')).toBe('quarantined');
    expect(again.checkTool(strict, 'never-seen')).toBe('unlisted');
    expect(again.checkTool(lax, 'never-seen')).toBe('yes');
    expect(hear(again, strict, [tool('Changed at once.')])).toEqual([]);
    expect(hear(again, strict, [tool('Pays.')])).toEqual([tool('Pays.')]);
    expect(again.checkTool(strict, 'pay')).toBe('yes');
  });

  it('stay kept back at every moment, whatever is read and written meanwhile', async () => {
    const [one, other] = [await worker(), await worker()];
    hear(one, strict, [tool('Pays.')]);
    await one.find({ server: 'strict', kind: 'tools', name: 'pay' });
    hear(one, strict, [tool('Changed.')]);
    const moments: string[] = [];
    for (let round = 0; round < 30; round += 1) {
      // Something else changes, so that all is read anew.
      hear(other, strict, [tool(`Other ${round}.`, 'other')]);
      await Promise.all([
        other.find({ server: 'strict', kind: 'tools', name: 'other' }),
        one.find({ server: 'strict', kind: 'tools', name: 'pay' }),
        one.setOverrides({ server: 'strict', kind: 'tools', name: 'none' }, { isDisabled: false }),
      ]);
      moments.push(one.checkTool(strict, 'pay'));
    }
    expect(new Set(moments)).toEqual(new Set(['quarantined']));
  });

  it('stay kept back when a list is shown again that is older than the change', async () => {
    const tools = await worker();
    const remembered = [tool('Pays.')];
    hear(tools, strict, remembered);
    hear(tools, strict, [tool('Pays somebody else.')]);
    tools.toVisibleItems(strict, 'tools', remembered);
    expect(tools.checkTool(strict, 'pay')).toBe('quarantined');
    const { seenDigest } = known(tools, 'strict')!;
    await tools.find({ server: 'strict', kind: 'tools', name: 'pay' });
    await tools.approve({ server: 'strict', kind: 'tools', name: 'pay' }, seenDigest);
    expect(tools.toVisibleItems(strict, 'tools', remembered)).toEqual([]);
  });

  it('are written down also beside some whose names no database keeps', async () => {
    const [one, other] = [await worker(), await worker()];
    const odd = [tool('Odd.', 'nul\0'), tool('Long.', 'long'.repeat(2_000))];
    expect(hear(one, strict, [...odd, tool('Pays.')])).toEqual([tool('Pays.')]);
    expect(one.toVisibleItems(lax, 'tools', odd)).toEqual(odd);
    await until(() => known(other, 'strict') !== undefined);
    expect(await one.find({ server: 'strict', kind: 'tools', name: 'nul\0' })).toBeUndefined();
  });

  it('are only marked where the server is not so strict', async () => {
    const tools = await worker();
    tools.observe(lax, 'tools', [tool('Pays.')]);
    await until(() => known(tools, 'lax') !== undefined);
    tools.observe(lax, 'tools', [tool('Changed.')]);
    await until(() => tools.statusOf(known(tools, 'lax')!) === 'changed');
    const page = [tool('Changed.')];
    expect(tools.toVisibleItems(lax, 'tools', page)).toBe(page);
    expect(tools.checkTool(lax, 'pay')).toBe('yes');
  });

  it('are shown as people want them, at every worker', async () => {
    const [one, other] = [await worker(), await worker()];
    hear(one, strict, [tool('Pays.'), tool('Lists.', 'list')]);
    await one.find({ server: 'strict', kind: 'tools', name: 'pay' });
    await one.setOverrides(
      { server: 'strict', kind: 'tools', name: 'pay' },
      { isDisabled: false, shownName: 'transfer', shownDescription: 'Sends money.' },
    );
    await until(
      () =>
        known(other, 'strict')?.shownName !== undefined || other.resolveOwnName(strict, 'tools', 'pay') === undefined,
    );
    const page = [tool('Pays.'), tool('Lists.', 'list')];
    expect(hear(other, strict, page)).toEqual([{ ...tool('Sends money.'), name: 'transfer' }, tool('Lists.', 'list')]);
    expect([
      other.resolveOwnName(strict, 'tools', 'transfer'),
      other.resolveOwnName(strict, 'tools', 'pay'),
      other.resolveOwnName(strict, 'tools', 'list'),
    ]).toEqual(['pay', undefined, 'list']);
    await one.setOverrides({ server: 'strict', kind: 'tools', name: 'pay' }, { isDisabled: true });
    expect([hear(one, strict, page), one.resolveOwnName(strict, 'tools', 'pay')]).toEqual([
      [tool('Lists.', 'list')],
      undefined,
    ]);
  });

  it('are many at once, without anybody waiting', async () => {
    const tools = await worker();
    const many = Array.from({ length: 1_000 }, (_, index) => tool('Does something.', `tool_${index}`));
    tools.observe(lax, 'tools', many);
    expect(tools.list('tools')).toEqual([]);
    await until(() => tools.list('tools').length === 1_000);
    await tools.find({ server: 'lax', kind: 'tools', name: 'tool_0' });
    const other = await worker();
    expect(other.list('tools')).toHaveLength(1_000);
  });

  it('stay pinned while their server is away: it does not begin anew by that', async () => {
    const one = await worker();
    hear(one, strict, [tool('Pays.')]);
    await one.find({ server: 'strict', kind: 'tools', name: 'pay' });
    const without = await worker(new FakeRegistry([lax]));
    expect(without.list('tools')).toEqual([]);
    const back = await worker();
    expect(hear(back, strict, [tool('Changed meanwhile.')])).toEqual([]);
  });
});
