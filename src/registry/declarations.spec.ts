import { unlink } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { until } from '../../test/support/until.js';
import { RegistryFault } from './index.js';
import { RegistryWorld, serverSlugs, waitForSnapshot } from './registry-fixture.js';

const REMOTE = { transport: 'http', url: 'http://remote/mcp' };
const fileOf = (...slugs: string[]) =>
  JSON.stringify({ servers: Object.fromEntries(slugs.map((slug) => [slug, { transport: 'http', url: 'http://x/' }])) });

describe.each(DATABASE_KINDS)('what the configuration file declares, in $name,', ({ start }) => {
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

  const managed = async () => {
    const rows = await world.runSql(`select slug from registry_entries where kind <> 'default' order by position`);
    return rows.map(({ slug }) => slug);
  };
  const revision = async () => (await world.runSql('select revision from registry_state'))[0]?.['revision'];

  it('is there after the start, and what it declares no more is gone', async () => {
    const worker = await world.open({ text: fileOf('one', 'two') });
    expect(await managed()).toEqual(['one', 'two']);
    expect(await worker.reloadWith(fileOf('three', 'one'))).toBe('applied');
    expect(await managed()).toEqual(['three', 'one']);
    expect(serverSlugs(worker.registry.snapshot)).toEqual(['three', 'one']);
  });

  it('leaves alone what was made over the admin API', async () => {
    const { store, registry, reloadWith } = await world.open({ text: fileOf('one') });
    const mine = await store.servers.create('mine', REMOTE);
    await reloadWith(fileOf('two'));
    expect(await store.servers.find('mine')).toEqual(mine);
    expect(serverSlugs(registry.snapshot)).toEqual(['two', 'mine']);
  });

  it('may become something else under its name', async () => {
    const { registry, reloadWith } = await world.open({ text: fileOf('one', 'two') });
    const servers = { two: { transport: 'http', url: 'http://x/' } };
    await reloadWith(JSON.stringify({ servers, virtualServers: { one: { servers: ['two'] } } }));
    expect(serverSlugs(registry.snapshot)).toEqual(['two']);
    expect(registry.snapshot.virtualServers).toMatchObject([{ slug: 'one', servers: ['two'] }]);
  });

  it('is written once, however many workers start with it at the same time', async () => {
    await world.open({ text: fileOf('one', 'two') });
    const before = await revision();
    const workers = await Promise.all(Array.from({ length: 6 }, () => world.open()));
    expect(await revision()).toBe(before);
    for (const { registry } of workers) expect(serverSlugs(registry.snapshot)).toEqual(['one', 'two']);
  });

  it('is agreed upon by workers that read it at once, again and again', async () => {
    await world.open({ text: fileOf('zero') });
    const workers = await Promise.all(Array.from({ length: 4 }, () => world.open()));
    for (const worker of workers) worker.bootstrap();
    for (const slugs of [['one', 'two'], ['two'], ['two', 'three', 'one']]) {
      const all = workers.map(({ registry }) =>
        waitForSnapshot(registry, (now) => serverSlugs(now).join() === slugs.join()),
      );
      const reloads = [workers[0]!.reloadWith(fileOf(...slugs)), ...workers.map(({ file }) => file.reload())];
      await Promise.all([...all, ...reloads]);
    }
    expect(await managed()).toEqual(['two', 'three', 'one']);
  });

  it('means at each host what the variables there say', async () => {
    const text = 'servers: { one: { transport: http, url: "http://${HOST}/" } }';
    const one = await world.open({ text, variables: { HOST: 'one' } });
    const before = await revision();
    const other = await world.open({ variables: { HOST: 'other' } });
    expect(await revision()).toBe(before);
    expect(one.registry.snapshot.servers).toMatchObject([{ url: 'http://one/' }]);
    expect(other.registry.snapshot.servers).toMatchObject([{ url: 'http://other/' }]);
  });

  describe('when it contradicts what was made over the admin API', () => {
    it('is refused by a name that is taken, and nothing of it is applied', async () => {
      const { store, registry, reloadWith } = await world.open({ text: fileOf('one') });
      await store.servers.create('mine', REMOTE);
      await store.virtualServers.create('team', { servers: [] });
      const { snapshot } = registry;
      expect(await reloadWith(fileOf('two', 'mine', 'team'))).toBe('refused');
      expect(registry.snapshot).toBe(snapshot);
      expect(world.logged.join('\n')).toMatch(/servers\.mine: An entry of this name.*\n.*servers\.team: An entry/);
      await expect(world.open()).rejects.toThrow(RegistryFault);
    });

    it('is refused while it leaves out a server that a virtual server made there uses', async () => {
      const { store, registry, reloadWith } = await world.open({ text: fileOf('one', 'two') });
      const team = await store.virtualServers.create('team', { servers: ['one'] });
      expect(await reloadWith(fileOf('two'))).toBe('refused');
      expect(world.logged.join('\n')).toMatch(/servers\.one: It cannot be left out: it belongs to team/);
      expect(serverSlugs(registry.snapshot)).toEqual(['one', 'two']);
      await store.virtualServers.delete('team', team.version);
      expect(await reloadWith(fileOf('two'))).toBe('applied');
    });
  });

  describe('when somebody changes it in the database', () => {
    const changes = {
      edited: `update registry_entries set entry = '{"transport":"http","url":"http://evil/"}' where slug = 'one'`,
      deleted: `delete from registry_entries where slug = 'one'`,
      'moved to another place': `update registry_entries set position = 7 where slug = 'one'`,
      'given other credentials': `update registry_entries set sealed = 'none' where slug = 'one'`,
      'made another kind': `update registry_entries set kind = 'virtual-server' where slug = 'one'`,
      'joined by another': `insert into registry_entries (slug, kind, entry, sealed, is_managed, position, version, created_at, updated_at)
        select 'evil', kind, entry, sealed, is_managed, 9, version,
        created_at, updated_at from registry_entries where slug = 'one'`,
    };

    it.each(Object.entries(changes))('is put right and told, after it was %s', async (_name, statement) => {
      const text = `servers: { one: { transport: http, url: http://one/, headers: { a: b } }, two: { transport: http, url: http://two/ } }`;
      const workers = [await world.open({ text }), await world.open()];
      const { snapshot } = workers[0]!.registry;
      const [before] = await world.runSql(
        `select slug, kind, entry, position from registry_entries where slug = 'one'`,
      );
      await world.runSql(statement);
      for (const { bootstrap } of workers) bootstrap();
      const isRight = async () => {
        const rows = await world.runSql('select slug, kind, entry, position from registry_entries order by slug');
        return JSON.stringify(rows[1]) === JSON.stringify(before) && rows.length === 3;
      };
      await until(async () => world.logged.length > 0 && (await isRight()));
      expect(world.logged).toEqual([
        expect.stringMatching(/Somebody changed in the database.*put right: (one|evil)\./),
      ]);
      for (const { registry, file } of workers) {
        await file.reload();
        expect(registry.snapshot.servers).toEqual(snapshot.servers);
      }
    });

    it('is put right at the next reading, too', async () => {
      const worker = await world.open({ text: fileOf('one') });
      await world.runSql(`delete from registry_entries where slug = 'one'`);
      expect(await worker.file.reload()).toBe('unchanged');
      expect(await managed()).toEqual(['one']);
    });
  });

  describe('when the files of two hosts differ', () => {
    it('is what the file says that was read last, and nobody quarrels', async () => {
      const one = await world.open({ name: 'one.yaml', text: fileOf('one') });
      const other = await world.open({ name: 'other.yaml', text: fileOf('other') });
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

  describe('at the first start', () => {
    it('is a sample, where there is no file', async () => {
      const { registry } = await world.open({
        createSampleIfMissing: true,
        variables: { ISTHMUS_NODE: 'n', ISTHMUS_HOME: 'h' },
      });
      expect(serverSlugs(registry.snapshot)).toEqual(['sample']);
    });

    it('is not replaced by a sample, where the file got lost later', async () => {
      await world.open({ text: fileOf('one') });
      await unlink(world.filePath());
      await expect(world.open({ createSampleIfMissing: true })).rejects.toThrow(/cannot be read/);
      expect(await managed()).toEqual(['one']);
    });
  });
});
