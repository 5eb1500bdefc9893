import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import { LateAcknowledgingDatabase } from '../../test/support/late-acknowledging-database.js';
import { until } from '../../test/support/until.js';
import { readResourceUri, type JsonObject, type JsonValue, type ResourceUri } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { SystemClock, type Clock } from '#lib/time';
import { GatewayEvents } from '../events/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { Database } from '../database/index.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import { toDefinition, Items } from './index.js';

const quarantining = remoteServer('quarantining', { toolChanges: 'quarantine' });
const permissive = remoteServer('permissive');
const tool = (description: string, name = 'pay') => ({ name, description, inputSchema: { type: 'object' } });

/** Observes a page that the server has just sent and returns the visible items. */
function observe(items: Items, server: ServerDefinition, page: readonly JsonObject[]): readonly JsonValue[] {
  items.observe(server, 'tools', page);
  return items.toVisibleItems(server, 'tools', page);
}

const pay = { server: 'quarantining', kind: 'tools', name: 'pay' } as const;

/** Reads the table at a worker that has no pending observations, without changing it. */
const read = (items: Items) => items.restore([], { replace: false, dryRun: true });

beforeEach(() => Logger.overrideLogger(false));

describe.each(DATABASE_KINDS)('items of servers, stored in $name,', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  const opened: { readonly tools: Items; readonly database: Database }[] = [];

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.createDatabase();
  });

  async function stop({ tools, database }: (typeof opened)[number]): Promise<void> {
    await tools.onApplicationShutdown();
    await database.close();
  }

  afterEach(() => Promise.all(opened.splice(0).map(stop)));
  afterAll(() => host.stop());

  async function startItems(
    database: Database,
    clock: Clock,
    registry = new FakeRegistry([quarantining, permissive]),
    events = new GatewayEvents(clock),
  ): Promise<Items> {
    const tools = new Items(database, registry, clock, events);
    await tools.onApplicationBootstrap();
    opened.push({ tools, database });
    return tools;
  }

  const worker = async (registry?: FakeRegistry) => startItems(await openDatabase(place), new SystemClock(), registry);

  /** A worker whose timers never run: it writes and reads only when the test calls it. */
  const passiveWorker = async () => startItems(await openDatabase(place), new ManualClock());

  /** A passive worker whose first write is acknowledged late. */
  async function lateAcknowledgedWorker() {
    await (await openDatabase(place)).close();
    const database = new LateAcknowledgingDatabase(place);
    return { database, one: await startItems(database, new ManualClock()) };
  }

  /** Stores a changed definition of the tool `pay` at another worker. */
  async function changeElsewhere(): Promise<Items> {
    const other = await passiveWorker();
    observe(other, quarantining, [tool('Pays another account.')]);
    await other.find(pay);
    return other;
  }

  /** The item of a server that a worker has in memory. */
  const known = (tools: Items, server: string) => tools.list('tools').find((each) => each.server === server);

  it('report a tool that is quarantined, and no tool that is only flagged', async () => {
    const events = new GatewayEvents(new ManualClock());
    const reported: unknown[] = [];
    events.on(['tool.quarantined'], ({ data }) => void reported.push(data));
    const tools = await startItems(await openDatabase(place), new ManualClock(), undefined, events);
    for (const server of [quarantining, permissive]) observe(tools, server, [tool('Pays.')]);
    expect(reported).toEqual([]);
    for (const server of [quarantining, permissive]) observe(tools, server, [tool('Pays another account.')]);
    expect(reported).toEqual([{ server: 'quarantining', tool: 'pay' }]);
  });

  it('count tools whose definition is not approved, by whether their server hides them', async () => {
    const tools = await worker();
    const observeAll = (text: string) => {
      for (const server of [quarantining, permissive]) observe(tools, server, [tool(text), tool('Waits.', 'wait')]);
    };
    observeAll('Pays.');
    await until(() => tools.list('tools').length === 4);
    expect(tools.countUnapproved('tools')).toMatchObject({ quarantined: 0, changed: 0 });
    observeAll('Pays another account.');
    await until(() => tools.countUnapproved('tools').changed > 0);
    expect(tools.countUnapproved('tools')).toMatchObject({ quarantined: 1, changed: 1 });
    expect(tools.countUnapproved('prompts')).toMatchObject({ quarantined: 0, changed: 0 });
  });

  it('pin the first definition at every worker, and quarantine a changed tool until it is approved', async () => {
    const [one, other] = [await worker(), await worker()];
    expect(observe(one, quarantining, [tool('Pays.')])).toEqual([tool('Pays.')]);
    await until(() => known(other, 'quarantining') !== undefined);
    expect(observe(other, quarantining, [tool('Pays another account.')])).toEqual([]);
    expect(other.checkTool(quarantining, 'pay')).toBe('quarantined');
    await until(() => one.checkTool(quarantining, 'pay') === 'quarantined');
    const seen = await one.find({ server: 'quarantining', kind: 'tools', name: 'pay' });
    expect(seen).toMatchObject({ approved: tool('Pays.'), seen: tool('Pays another account.') });
    expect(await one.approve({ server: 'quarantining', kind: 'tools', name: 'pay' }, seen!.approvedDigest)).toBe(false);
    expect(await one.approve({ server: 'quarantining', kind: 'tools', name: 'pay' }, seen!.seenDigest)).toBe(true);
    expect(one.checkTool(quarantining, 'pay')).toBe('allowed');
    await until(() => other.checkTool(quarantining, 'pay') === 'allowed');
  });

  it('of a page beyond 200,000 items that are not processed yet are left to the next request for the list', async () => {
    const items = await worker();
    const left = tool('Is left.', 'left');
    items.observe(permissive, 'tools', [tool('Is processed.', 'first')]);
    items.observe(
      permissive,
      'tools',
      Array.from({ length: 200_000 }, () => left),
    );
    items.observe(permissive, 'tools', [tool('Is processed.', 'second')]);
    await until(() => items.list('tools').length === 2);
    expect(items.list('tools').map(({ name }) => name)).toEqual(['first', 'second']);
  });

  it('include the resources of a disabled template, except listed ones and those of another template', async () => {
    const items = await worker();
    items.observe(permissive, 'resourceTemplates', [
      { name: 'all', uriTemplate: 'db://{table}/{id}' },
      { name: 'news', uriTemplate: 'db://news/{id}' },
    ]);
    items.observe(permissive, 'resources', [{ name: 'listed', uri: 'db://users/1' }]);
    const key = { server: 'permissive', kind: 'resourceTemplates', name: 'db://{table}/{id}' } as const;
    await until(async () => items.list('resources').length === 1 && (await items.find(key)) !== undefined);
    const readable = () =>
      ['db://users/1', 'db://users/2', 'db://news/2', 'db:other'].filter((uri) =>
        items.isResourceEnabled(permissive, readResourceUri(uri) as ResourceUri, false),
      );
    expect(readable()).toHaveLength(4);
    await items.setOverrides(key, () => ({ isDisabled: true }));
    expect(readable()).toEqual(['db://users/1', 'db://news/2', 'db:other']);
  });

  it('include the resources of a disabled template with a query, in any order of the parameters', async () => {
    const items = await worker();
    const uriTemplate = 'docs://search?type=pay{&q}';
    items.observe(permissive, 'resourceTemplates', [{ name: 'pay', uriTemplate }]);
    const key = { server: 'permissive', kind: 'resourceTemplates', name: uriTemplate } as const;
    await until(async () => (await items.find(key)) !== undefined);
    await items.setOverrides(key, () => ({ isDisabled: true }));
    const isEnabled = (uri: string) => items.isResourceEnabled(permissive, readResourceUri(uri) as ResourceUri, false);
    expect(
      ['?type=pay&q=x', '?q=x&type=pay', '?q=x&type=p%61y'].filter((query) => isEnabled(`docs://search${query}`)),
    ).toEqual([]);
    expect(isEnabled('docs://search?q=x&type=public')).toBe(true);
  });

  it('disable a resource under every spelling of its URI', async () => {
    const items = await worker();
    items.observe(permissive, 'resources', [{ name: 'plan', uri: 'file:///secret/plan 1' }]);
    const key = { server: 'permissive', kind: 'resources', name: 'file:///secret/plan 1' } as const;
    await until(async () => (await items.find(key)) !== undefined);
    await items.setOverrides(key, () => ({ isDisabled: true }));
    const isEnabled = (uri: string) => items.isResourceEnabled(permissive, readResourceUri(uri) as ResourceUri, false);
    const spellings = [
      'file:///secret/plan 1',
      'FILE:///secret/plan%201',
      'file:/secret/pl%61n%201',
      'file://localhost/secret/plan 1',
      'file:////secret//plan 1',
      'file:///secret%2Fplan 1',
      'file:///secret/plan 1#part',
      'file://elsewhere/secret/plan 1?x',
    ];
    expect(spellings.filter(isEnabled)).toEqual([]);
    expect(isEnabled('file:///secret/plan 2')).toBe(true);
  });

  it('restore approvals and overrides from elsewhere, and keep the definition that was observed here', async () => {
    const [one, other] = [await worker(), await worker()];
    const key = { server: 'quarantining', kind: 'tools', name: 'pay' } as const;
    const [approved, seen] = [tool('Pays.'), tool('Pays another account.')].map((each) => toDefinition('tools', each)!);
    const [firstSeenAt, changedAt] = [new Date(1_000), new Date(2_000)];
    const item = { ...key, approved: approved!, seen: approved!, isDisabled: false, shownName: 'give' };
    const restored = [{ ...item, firstSeenAt, changedAt }];
    observe(other, quarantining, [tool('Pays another account.')]);
    const options = { replace: false, dryRun: false };
    await until(() => known(one, 'quarantining') !== undefined);
    expect(await one.restore(restored, { ...options, dryRun: true })).toMatchObject({ updated: 1 });
    expect(await one.find(key)).not.toHaveProperty('shownName');
    expect(await one.restore(restored, options)).toEqual({ created: 0, updated: 1, reset: 0, unchanged: 0 });
    expect(await one.find(key)).toMatchObject({ shownName: 'give', approved: tool('Pays.'), seenDigest: seen!.digest });
    await until(() => other.checkTool(quarantining, 'pay') === 'quarantined');
    expect(await one.restore(restored, options)).toMatchObject({ updated: 0, unchanged: 1 });
    expect(await one.restore([], { ...options, replace: true })).toMatchObject({ reset: 1 });
    const found = await one.find(key);
    expect(found).toMatchObject({ approved: tool('Pays.'), isDisabled: false });
    expect(found).not.toHaveProperty('shownName');
    expect(await one.readDefinitions()).toHaveLength(1);
  });

  it('process a known page again after another worker observed a different definition', async () => {
    const [one, other] = [await worker(), await worker()];
    for (let time = 0; time < 3; time += 1) observe(one, quarantining, [tool('Pays.')]);
    await until(() => known(other, 'quarantining') !== undefined);
    observe(other, quarantining, [tool('Pays another account.')]);
    await until(() => one.checkTool(quarantining, 'pay') === 'quarantined');
    expect(observe(one, quarantining, [tool('Pays.')])).toEqual([tool('Pays.')]);
    expect(one.checkTool(quarantining, 'pay')).toBe('allowed');
    await until(() => other.checkTool(quarantining, 'pay') === 'allowed');
  });

  it('are quarantined when another worker stores a change before this worker reads back its own write', async () => {
    const one = await passiveWorker();
    observe(one, quarantining, [tool('Pays.')]);
    await one.find(pay);
    await changeElsewhere();
    await read(one);
    expect(one.checkTool(quarantining, 'pay')).toBe('quarantined');
  });

  it('are quarantined when another worker stores a change before the write of this worker is acknowledged', async () => {
    const { database, one } = await lateAcknowledgedWorker();
    observe(one, quarantining, [tool('Pays.')]);
    const writing = one.find(pay);
    await database.committed;
    await changeElsewhere();
    // Reads the table while the own observation still counts as pending.
    await one.setOverrides(pay, () => ({ isDisabled: false }));
    database.acknowledge();
    await writing;
    await read(one);
    expect(one.checkTool(quarantining, 'pay')).toBe('quarantined');
  });

  it('stay quarantined when two writes of an older definition by another worker overlap', async () => {
    const { database, one } = await lateAcknowledgedWorker();
    observe(one, quarantining, [tool('Pays.')]);
    const first = one.find(pay);
    await database.committed;
    const other = await changeElsewhere();
    const second = one.find(pay);
    database.acknowledge();
    await Promise.all([first, second]);
    expect(await other.find(pay)).toMatchObject({ seen: tool('Pays another account.') });
    await read(other);
    expect(other.checkTool(quarantining, 'pay')).toBe('quarantined');
  });

  it('stay quarantined after a restart, and are released when the server restores the approved definition', async () => {
    const one = await worker();
    observe(one, quarantining, [tool('Pays.')]);
    observe(one, quarantining, [tool('Changed at once.')]);
    await stop(opened.pop()!);
    const again = await worker();
    expect(again.checkTool(quarantining, 'pay')).toBe('quarantined');
    expect(again.checkTool(quarantining, 'never-seen')).toBe('unlisted');
    expect(again.checkTool(permissive, 'never-seen')).toBe('allowed');
    expect(observe(again, quarantining, [tool('Changed at once.')])).toEqual([]);
    expect(observe(again, quarantining, [tool('Pays.')])).toEqual([tool('Pays.')]);
    expect(again.checkTool(quarantining, 'pay')).toBe('allowed');
  });

  it('stay quarantined at every moment during concurrent reads and writes', async () => {
    const [one, other] = [await worker(), await worker()];
    observe(one, quarantining, [tool('Pays.')]);
    await one.find(pay);
    observe(one, quarantining, [tool('Changed.')]);
    const moments: string[] = [];
    for (let round = 0; round < 30; round += 1) {
      // Another item changes, so every worker reads the table again.
      observe(other, quarantining, [tool(`Other ${round}.`, 'other')]);
      await Promise.all([
        other.find({ server: 'quarantining', kind: 'tools', name: 'other' }),
        one.find({ server: 'quarantining', kind: 'tools', name: 'pay' }),
        one.setOverrides({ server: 'quarantining', kind: 'tools', name: 'none' }, () => ({ isDisabled: false })),
      ]);
      moments.push(one.checkTool(quarantining, 'pay'));
    }
    expect(new Set(moments)).toEqual(new Set(['quarantined']));
  });

  it('stay quarantined when a cached page from before the change is shown', async () => {
    const tools = await worker();
    const cachedPage = [tool('Pays.')];
    observe(tools, quarantining, cachedPage);
    observe(tools, quarantining, [tool('Pays another account.')]);
    tools.toVisibleItems(quarantining, 'tools', cachedPage);
    expect(tools.checkTool(quarantining, 'pay')).toBe('quarantined');
    const { seenDigest } = known(tools, 'quarantining')!;
    await tools.find({ server: 'quarantining', kind: 'tools', name: 'pay' });
    await tools.approve({ server: 'quarantining', kind: 'tools', name: 'pay' }, seenDigest);
    expect(tools.toVisibleItems(quarantining, 'tools', cachedPage)).toEqual([]);
  });

  it('are persisted although other items of the page have names that no database can store', async () => {
    const [one, other] = [await worker(), await worker()];
    const odd = [tool('Odd.', 'nul\0'), tool('Long.', 'long'.repeat(2_000))];
    expect(observe(one, quarantining, [...odd, tool('Pays.')])).toEqual([tool('Pays.')]);
    expect(one.toVisibleItems(permissive, 'tools', odd)).toEqual(odd);
    await until(() => known(other, 'quarantining') !== undefined);
    expect(await one.find({ server: 'quarantining', kind: 'tools', name: 'nul\0' })).toBeUndefined();
  });

  it('are marked as changed but stay visible at a server without quarantine', async () => {
    const tools = await worker();
    tools.observe(permissive, 'tools', [tool('Pays.')]);
    await until(() => known(tools, 'permissive') !== undefined);
    tools.observe(permissive, 'tools', [tool('Changed.')]);
    await until(() => tools.statusOf(known(tools, 'permissive')!) === 'changed');
    const page = [tool('Changed.')];
    expect(tools.toVisibleItems(permissive, 'tools', page)).toBe(page);
    expect(tools.checkTool(permissive, 'pay')).toBe('allowed');
  });

  it('are shown with their overrides at every worker', async () => {
    const [one, other] = [await worker(), await worker()];
    observe(one, quarantining, [tool('Pays.'), tool('Lists.', 'list')]);
    await one.find(pay);
    const presentation = { shownName: 'transfer', shownDescription: 'Sends money.' };
    await one.setOverrides(pay, () => ({ isDisabled: false, ...presentation }));
    await until(
      () =>
        known(other, 'quarantining')?.shownName !== undefined ||
        other.resolveOwnName(quarantining, 'tools', 'pay') === undefined,
    );
    const page = [tool('Pays.'), tool('Lists.', 'list')];
    expect(observe(other, quarantining, page)).toEqual([
      { ...tool('Sends money.'), name: 'transfer' },
      tool('Lists.', 'list'),
    ]);
    expect([
      other.resolveOwnName(quarantining, 'tools', 'transfer'),
      other.resolveOwnName(quarantining, 'tools', 'pay'),
      other.resolveOwnName(quarantining, 'tools', 'list'),
    ]).toEqual(['pay', undefined, 'list']);
    await one.setOverrides(pay, () => ({ isDisabled: true }));
    expect([observe(one, quarantining, page), one.resolveOwnName(quarantining, 'tools', 'pay')]).toEqual([
      [tool('Lists.', 'list')],
      undefined,
    ]);
  });

  it('are processed after the call in batches when a server without quarantine lists a thousand of them', async () => {
    const tools = await worker();
    const many = Array.from({ length: 1_000 }, (_, index) => tool('Does something.', `tool_${index}`));
    tools.observe(permissive, 'tools', many);
    expect(tools.list('tools')).toEqual([]);
    await until(() => tools.list('tools').length === 1_000);
    await tools.find({ server: 'permissive', kind: 'tools', name: 'tool_0' });
    const other = await worker();
    expect(other.list('tools')).toHaveLength(1_000);
  });

  it('stay pinned while their server is not configured', async () => {
    const one = await worker();
    observe(one, quarantining, [tool('Pays.')]);
    await one.find(pay);
    const without = await worker(new FakeRegistry([permissive]));
    expect(without.list('tools')).toEqual([]);
    const back = await worker();
    expect(observe(back, quarantining, [tool('Changed meanwhile.')])).toEqual([]);
  });

  it('schedule nothing after the worker has stopped, even when the last write fails', async () => {
    const clock = new ManualClock();
    const database = await openDatabase(place);
    const items = await startItems(database, clock);
    observe(items, quarantining, [tool('Pays.')]);
    expect(clock.pending).toBeGreaterThan(0);
    await database.close();
    await items.onApplicationShutdown();
    observe(items, quarantining, [tool('Pays another account.')]);
    expect(clock.pending).toBe(0);
  });
});
