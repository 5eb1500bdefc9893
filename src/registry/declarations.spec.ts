import { unlink, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { until } from '../../test/support/until.js';
import { RegistryWorld, serverSlugs, waitForSnapshot } from './registry-fixture.js';

const REMOTE = { transport: 'http', url: 'http://remote/mcp' };
const fileWith = (...slugs: string[]) =>
  JSON.stringify({ servers: Object.fromEntries(slugs.map((slug) => [slug, { transport: 'http', url: 'http://x/' }])) });

describe.each(DATABASE_KINDS)('managed entries over $name', ({ start }) => {
  let host: DatabaseHost;
  let world: RegistryWorld;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    world = await RegistryWorld.create(host);
  });

  afterEach(() => world.close());
  afterAll(() => host.stop());

  const managedSlugs = async () => {
    const rows = await world.runSql(`select slug from registry_entries where kind <> 'default' order by position`);
    return rows.map(({ slug }) => slug);
  };
  const revision = async () => (await world.runSql('select revision from registry_state'))[0]?.['revision'];

  it('are stored at the start and deleted once the file no longer declares them', async () => {
    const worker = await world.open({ text: fileWith('one', 'two') });
    expect(await managedSlugs()).toEqual(['one', 'two']);
    expect(await worker.reloadWith(fileWith('three', 'one'))).toBe('applied');
    expect(await managedSlugs()).toEqual(['three', 'one']);
    expect(serverSlugs(worker.registry.snapshot)).toEqual(['three', 'one']);
  });

  it('do not affect entries created over the admin API', async () => {
    const { store, registry, reloadWith } = await world.open({ text: fileWith('one') });
    const mine = await store.servers.create('mine', REMOTE);
    await reloadWith(fileWith('two'));
    expect(await store.servers.find('mine')).toEqual(mine);
    expect(serverSlugs(registry.snapshot)).toEqual(['two', 'mine']);
  });

  it('may change from a server to a virtual server of the same name', async () => {
    const { registry, reloadWith } = await world.open({ text: fileWith('one', 'two') });
    const servers = { two: { transport: 'http', url: 'http://x/' } };
    await reloadWith(JSON.stringify({ servers, virtualServers: { one: { servers: ['two'] } } }));
    expect(serverSlugs(registry.snapshot)).toEqual(['two']);
    expect(registry.snapshot.virtualServers).toMatchObject([{ slug: 'one', servers: ['two'] }]);
  });

  it('are written once when several workers start with the same file', async () => {
    await world.open({ text: fileWith('one', 'two') });
    const before = await revision();
    const workers = await Promise.all(Array.from({ length: 6 }, () => world.open()));
    expect(await revision()).toBe(before);
    for (const { registry } of workers) expect(serverSlugs(registry.snapshot)).toEqual(['one', 'two']);
  });

  it('converge at all workers that reload the file at the same time, repeatedly', async () => {
    await world.open({ text: fileWith('zero') });
    const workers = await Promise.all(Array.from({ length: 4 }, () => world.open()));
    for (const worker of workers) worker.bootstrap();
    for (const slugs of [['one', 'two'], ['two'], ['two', 'three', 'one']]) {
      const all = workers.map(({ registry }) =>
        waitForSnapshot(registry, (now) => serverSlugs(now).join() === slugs.join()),
      );
      const reloads = [workers[0]!.reloadWith(fileWith(...slugs)), ...workers.map(({ file }) => file.reload())];
      await Promise.all([...all, ...reloads]);
    }
    expect(await managedSlugs()).toEqual(['two', 'three', 'one']);
  });

  it('are resolved at each host with the variables of that host', async () => {
    const text = 'servers: { one: { transport: http, url: "http://${HOST}/" } }';
    const one = await world.open({ text, variables: { HOST: 'one' } });
    const before = await revision();
    const other = await world.open({ variables: { HOST: 'other' } });
    expect(await revision()).toBe(before);
    expect(one.registry.snapshot.servers).toMatchObject([{ url: 'http://one/' }]);
    expect(other.registry.snapshot.servers).toMatchObject([{ url: 'http://other/' }]);
  });

  describe('that conflict with entries created over the admin API', () => {
    it('are refused as a whole when one of their names is taken', async () => {
      const { store, registry, reloadWith } = await world.open({ text: fileWith('one') });
      await store.servers.create('mine', REMOTE);
      await store.virtualServers.create('team', { servers: [] });
      const { snapshot } = registry;
      expect(await reloadWith(fileWith('two', 'mine', 'team'))).toBe('refused');
      expect(registry.snapshot).toBe(snapshot);
      expect(world.logged.join('\n')).toMatch(/servers\.mine: An entry with this name.*\n.*servers\.team: An entry/);
    });

    it('do not prevent a start: the database stays in force until the contradiction is removed in it', async () => {
      const { store } = await world.open({ text: fileWith('one') });
      const mine = await store.servers.create('mine', REMOTE);
      await writeFile(world.filePath(), fileWith('two', 'mine'));
      world.logged.length = 0;
      const started = await world.open();
      expect(serverSlugs(started.registry.snapshot)).toEqual(['one', 'mine']);
      expect(world.logged.join('\n')).toMatch(
        /Starting with the configuration in the database\. .*contradicts the database\.[\s\S]*servers\.mine: An entry/,
      );
      expect(started.file.warnings).toEqual([expect.stringMatching(/not in force.*[\s\S]*servers\.mine/)]);
      started.bootstrap();
      await store.servers.delete('mine', mine.version);
      await waitForSnapshot(started.registry, (now) => serverSlugs(now).join() === 'two,mine');
      await until(() => started.file.warnings.length === 0);
    });

    it('do not prevent a start, and are applied once the file is mended', async () => {
      const { store } = await world.open({ text: fileWith('one') });
      await store.servers.create('mine', REMOTE);
      await writeFile(world.filePath(), fileWith('mine'));
      const started = await world.open();
      expect(await started.reloadWith(fileWith('two'))).toBe('applied');
      expect(serverSlugs(started.registry.snapshot)).toEqual(['two', 'mine']);
      expect(started.file.warnings).toEqual([]);
    });

    it('are refused while they omit a server that such a virtual server uses', async () => {
      const { store, registry, reloadWith } = await world.open({ text: fileWith('one', 'two') });
      const team = await store.virtualServers.create('team', { servers: ['one'] });
      expect(await reloadWith(fileWith('two'))).toBe('refused');
      expect(world.logged.join('\n')).toMatch(/servers\.one: The server cannot be removed: team/);
      expect(serverSlugs(registry.snapshot)).toEqual(['one', 'two']);
      await store.virtualServers.delete('team', team.version);
      // The deletion itself lets the refused file be tried again, possibly before this reload.
      expect(await reloadWith(fileWith('two'))).not.toBe('refused');
      expect(serverSlugs(registry.snapshot)).toEqual(['two']);
    });
  });

  describe('that were changed manually in the database', () => {
    const changes = {
      edited: `update registry_entries set entry = '{"transport":"http","url":"http://evil/"}' where slug = 'one'`,
      deleted: `delete from registry_entries where slug = 'one'`,
      'moved to another place': `update registry_entries set position = 7 where slug = 'one'`,
      'given invalid credentials': `update registry_entries set sealed = 'none' where slug = 'one'`,
      'changed to another kind': `update registry_entries set kind = 'virtual-server' where slug = 'one'`,
      'accompanied by a forged entry': `insert into registry_entries (slug, kind, entry, sealed, is_managed, position, version, created_at, updated_at)
        select 'evil', kind, entry, sealed, is_managed, 9, version,
        created_at, updated_at from registry_entries where slug = 'one'`,
    };

    it.each(Object.entries(changes))('are repaired, with a warning, after one was %s', async (_name, statement) => {
      const text = `servers: { one: { transport: http, url: http://one/, headers: { a: b } }, two: { transport: http, url: http://two/ } }`;
      const workers = [await world.open({ text }), await world.open()];
      const { snapshot } = workers[0]!.registry;
      const [before] = await world.runSql(
        `select slug, kind, entry, position from registry_entries where slug = 'one'`,
      );
      await world.runSql(statement);
      for (const { bootstrap } of workers) bootstrap();
      const isRepaired = async () => {
        const rows = await world.runSql('select slug, kind, entry, position from registry_entries order by slug');
        return JSON.stringify(rows[1]) === JSON.stringify(before) && rows.length === 3;
      };
      await until(async () => world.logged.length > 0 && (await isRepaired()));
      expect(world.logged).toEqual([expect.stringMatching(/Repaired managed entries.*: (one|evil)\./)]);
      for (const { registry, file } of workers) {
        await file.reload();
        expect(registry.snapshot.servers).toEqual(snapshot.servers);
      }
    });

    it('are repaired by a reload of the file, too', async () => {
      const worker = await world.open({ text: fileWith('one') });
      await world.runSql(`delete from registry_entries where slug = 'one'`);
      expect(await worker.file.reload()).toBe('unchanged');
      expect(await managedSlugs()).toEqual(['one']);
    });
  });

  describe('that differ between the files of two hosts', () => {
    it('follow the file that was read last and are not overwritten by the other host', async () => {
      const one = await world.open({ name: 'one.yaml', text: fileWith('one') });
      const other = await world.open({ name: 'other.yaml', text: fileWith('other') });
      one.bootstrap();
      other.bootstrap();
      await waitForSnapshot(one.registry, (now) => serverSlugs(now)[0] === 'other');
      const before = await revision();
      await other.store.servers.create('mine', REMOTE);
      await waitForSnapshot(one.registry, (now) => serverSlugs(now).length === 2);
      expect(await revision()).toBe(Number(before) + 1);
      expect(await one.file.reload()).toBe('applied');
      await waitForSnapshot(other.registry, (now) => serverSlugs(now)[0] === 'one');
    });
  });

  describe('without a configuration file', () => {
    it('come from the sample at the first start', async () => {
      const { registry } = await world.open({
        createSampleIfMissing: true,
        variables: { ISTHMUS_NODE: 'n', ISTHMUS_HOME: 'h' },
      });
      expect(serverSlugs(registry.snapshot)).toEqual(['sample']);
    });

    it('are not replaced by the sample when the file was lost after the first start', async () => {
      await world.open({ text: fileWith('one') });
      await unlink(world.filePath());
      await expect(world.open({ createSampleIfMissing: true })).rejects.toThrow(/cannot be read/);
      expect(await managedSlugs()).toEqual(['one']);
    });
  });
});
