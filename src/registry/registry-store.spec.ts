import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import {
  ChangeRefused,
  EntryInUse,
  EntryInvalid,
  EntryManaged,
  EntryUnknown,
  SlugTaken,
  VersionMismatch,
} from './index.js';
import type { DesiredEntry } from './registry-changes.js';
import { RegistryWorld, serverSlugs, type RegistryWorker } from './registry-fixture.js';

const FILE = `
servers: { b-file: { transport: http, url: http://b/ }, a-file: { transport: http, url: "\${A}" } }
virtualServers: { office: { servers: [a-file] } }
`;
const REMOTE = { transport: 'http', url: 'http://remote/mcp' };

describe.each(DATABASE_KINDS)('what people change while the gateway runs, in $name,', ({ start }) => {
  let host: DatabaseHost;
  let world: RegistryWorld;
  let worker: RegistryWorker;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    world = await RegistryWorld.create(host);
    worker = await world.open({ text: FILE, variables: { A: 'http://a/' } });
  });

  afterEach(() => world.close());
  afterAll(() => host.stop());

  /** What was refused, with nothing changed. */
  async function refusal(change: Promise<unknown>): Promise<unknown> {
    const before = await world.runSql('select revision from registry_state');
    const fault: unknown = await change.catch((reason: unknown) => reason);
    expect(fault).toBeInstanceOf(ChangeRefused);
    expect(await world.runSql('select revision from registry_state')).toEqual(before);
    return fault;
  }

  describe('a server', () => {
    it('is created by the rules of the file, shown, and served at once', async () => {
      const { store, registry } = worker;
      const written = { ...REMOTE, timeouts: { connect: '5s' }, headers: { Authorization: 'Bearer ${A}' } };
      const created = await store.servers.create('mine', written);
      const definition = {
        slug: 'mine',
        ...REMOTE,
        enabled: true,
        shared: false,
        public: false,
        headers: { Authorization: 'Bearer ${A}' },
        timeouts: { connectMs: 5_000, requestMs: 300_000 },
        guarded: true,
      };
      expect(created).toEqual({
        slug: 'mine',
        managed: false,
        version: expect.any(Number),
        createdAt: expect.any(Date),
        updatedAt: created.createdAt,
        written,
        definition,
        faults: [],
      });
      expect(await store.servers.find('mine')).toEqual(created);
      expect(registry.find('mine')).toEqual(definition);
    });

    it('starts a program only where that is allowed, and what is started already goes on until it may not', async () => {
      const program = { transport: 'stdio', command: 'true' };
      await worker.store.servers.create('program', program);
      const careful = await world.open({ variables: { A: 'http://a/' }, mayStartPrograms: false });
      expect(careful.registry.find('program')).toBeUndefined();
      const refused = careful.store.servers.create('another', program);
      await expect(refused).rejects.toMatchObject({
        faults: [{ path: 'transport', message: expect.stringContaining('starts a program on this host') }],
      });
      expect(worker.registry.find('program')).toMatchObject({ command: 'true', guarded: true });
    });

    it('is listed after those of the file, which keep its order', async () => {
      const { store, registry } = worker;
      await store.servers.create('zebra', REMOTE);
      await store.servers.create('aardvark', REMOTE);
      const expected = ['b-file', 'a-file', 'aardvark', 'zebra'];
      expect((await store.servers.list()).map(({ slug }) => slug)).toEqual(expected);
      expect(serverSlugs(registry.snapshot)).toEqual(expected);
    });

    it('is replaced as a whole, and the others stay the same objects', async () => {
      const { store, registry } = worker;
      const created = await store.servers.create('mine', { ...REMOTE, title: 'Mine', headers: { a: 'b' } });
      const other = registry.find('a-file');
      const replaced = await store.servers.replace('mine', { ...REMOTE, enabled: false }, created.version);
      expect(replaced.version).toBeGreaterThan(created.version);
      expect(replaced.createdAt).toEqual(created.createdAt);
      expect(replaced.updatedAt.getTime()).toBeGreaterThanOrEqual(created.updatedAt.getTime());
      expect(replaced.definition).toMatchObject({ enabled: false, headers: {} });
      expect(replaced.definition).not.toHaveProperty('title');
      expect(registry.find('mine')).toBeUndefined();
      expect(registry.find('a-file')).toBe(other);
    });

    it('is deleted, and then there is none', async () => {
      const { store, registry } = worker;
      const { version } = await store.servers.create('mine', REMOTE);
      await store.servers.delete('mine', version);
      expect(await store.servers.find('mine')).toBeUndefined();
      expect(serverSlugs(registry.snapshot)).toEqual(['b-file', 'a-file']);
      expect(await refusal(store.servers.delete('mine', version))).toBeInstanceOf(EntryUnknown);
      expect(await refusal(store.servers.replace('mine', REMOTE, version))).toBeInstanceOf(EntryUnknown);
    });

    it('is refused with all its faults, by their place in the entry', async () => {
      const bad = { transport: 'http', url: 'nonsense', timeouts: { connect: 'soon' }, colour: 'red' };
      const fault = await refusal(worker.store.servers.create('mine', bad));
      expect(fault).toBeInstanceOf(EntryInvalid);
      const places = (fault as EntryInvalid).faults.map(({ path }) => path);
      expect(places.toSorted()).toEqual(['colour', 'timeouts.connect', 'url']);
      expect(await refusal(worker.store.servers.create('mine', {}))).toMatchObject({ faults: [{ path: 'transport' }] });
    });

    it.each(['Mine', 'a__b', '', 'default', 'x'.repeat(33)])('cannot be called %j', async (slug) => {
      expect(await refusal(worker.store.servers.create(slug, REMOTE))).toMatchObject({ faults: [{ path: '' }] });
    });

    it.each(['a-file', 'office'])('cannot take a name that is taken: %s', async (slug) => {
      expect(await refusal(worker.store.servers.create(slug, REMOTE))).toBeInstanceOf(SlugTaken);
    });
  });

  describe('a virtual server', () => {
    it('selects servers, whoever made them', async () => {
      const { store, registry } = worker;
      await store.servers.create('mine', REMOTE);
      const created = await store.virtualServers.create('team', { servers: ['mine', 'b-file'], tools: ['mine__*'] });
      expect(created.definition).toEqual({
        slug: 'team',
        public: false,
        servers: ['mine', 'b-file'],
        tools: ['mine__*'],
      });
      expect(registry.snapshot.virtualServers.map(({ slug }) => slug)).toEqual(['office', 'team']);
      const replaced = await store.virtualServers.replace('team', { servers: [] }, created.version);
      expect(replaced.definition?.servers).toEqual([]);
      await store.virtualServers.delete('team', replaced.version);
      expect((await store.virtualServers.list()).map(({ slug }) => slug)).toEqual(['office']);
    });

    it('names existing servers only', async () => {
      const { store } = worker;
      const fault = await refusal(store.virtualServers.create('team', { servers: ['a-file', 'b-fil', 'office'] }));
      expect(fault).toMatchObject({
        faults: [{ path: 'servers[1]', message: expect.stringContaining('b-file') }, { path: 'servers[2]' }],
      });
    });

    it('keeps its servers: one of them is deleted only after it was taken out', async () => {
      const { store } = worker;
      const mine = await store.servers.create('mine', REMOTE);
      const one = await store.virtualServers.create('one', { servers: ['mine'] });
      const two = await store.virtualServers.create('two', { servers: ['b-file', 'mine'] });
      const fault = await refusal(store.servers.delete('mine', mine.version));
      expect(fault).toBeInstanceOf(EntryInUse);
      expect(fault).toMatchObject({ usedBy: ['one', 'two'], message: expect.stringContaining('one, two') });
      await store.virtualServers.delete('one', one.version);
      await store.virtualServers.replace('two', { servers: ['b-file'] }, two.version);
      await store.servers.delete('mine', mine.version);
    });

    it('is no server, and the other way round', async () => {
      const { store } = worker;
      const { version } = await store.servers.create('mine', REMOTE);
      expect(await store.virtualServers.find('mine')).toBeUndefined();
      expect(await refusal(store.virtualServers.delete('mine', version))).toBeInstanceOf(EntryUnknown);
      expect(await refusal(store.virtualServers.create('mine', { servers: [] }))).toBeInstanceOf(SlugTaken);
    });
  });

  describe('an entry that somebody else changes too', () => {
    it('is changed by whoever saw its last version', async () => {
      const { store } = worker;
      const { version } = await store.servers.create('mine', REMOTE);
      const { version: next } = await store.servers.replace('mine', { ...REMOTE, title: 'New' }, version);
      for (const late of [store.servers.replace('mine', REMOTE, version), store.servers.delete('mine', version)]) {
        const fault = await refusal(late);
        expect(fault).toBeInstanceOf(VersionMismatch);
        expect(fault).toMatchObject({ expected: version, actual: next });
      }
    });

    it('is changed by one of many that change it at once', async () => {
      const other = await world.open({ variables: { A: 'http://a/' } });
      const { version } = await worker.store.servers.create('mine', REMOTE);
      const changes = Array.from({ length: 8 }, (_, index) =>
        [worker, other][index % 2]!.store.servers.replace('mine', { ...REMOTE, title: `${index}` }, version),
      );
      const ends = await Promise.allSettled(changes);
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const faults = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
      for (const fault of faults) expect(fault).toBeInstanceOf(VersionMismatch);
    });

    it('has no version that an earlier one of its name had', async () => {
      const { store } = worker;
      const { version } = await store.servers.create('mine', REMOTE);
      await store.servers.delete('mine', version);
      await store.servers.create('mine', REMOTE);
      expect(await refusal(store.servers.delete('mine', version))).toBeInstanceOf(VersionMismatch);
    });

    it('is created by one of many that create it at once', async () => {
      const other = await world.open({ variables: { A: 'http://a/' } });
      const creations = Array.from({ length: 6 }, (_, index) =>
        [worker, other][index % 2]!.store.servers.create('mine', REMOTE),
      );
      const ends = await Promise.allSettled(creations);
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });
  });

  describe('what the file declares', () => {
    it('is shown as it is written there, and as it is meant here', async () => {
      expect(await worker.store.servers.find('a-file')).toMatchObject({
        managed: true,
        written: { transport: 'http', url: '${A}' },
        definition: { url: 'http://a/' },
      });
    });

    it('cannot be changed or deleted, in a sentence that says where it can', async () => {
      const { store } = worker;
      const { version = 0 } = (await store.servers.find('a-file')) ?? {};
      const { version: office = 0 } = (await store.virtualServers.find('office')) ?? {};
      for (const change of [
        store.servers.replace('a-file', REMOTE, version),
        store.servers.delete('a-file', version),
        store.virtualServers.replace('office', { servers: [] }, office),
        store.virtualServers.delete('office', office),
      ]) {
        const fault = await refusal(change);
        expect(fault).toBeInstanceOf(EntryManaged);
        expect(fault).toMatchObject({ message: expect.stringMatching(/configuration file\. Change it there/) });
      }
    });
  });

  describe('many entries', () => {
    const wanted = (title: string): DesiredEntry[] => [
      { section: 'servers', slug: 'mine', source: { ...REMOTE, title } },
      { section: 'virtualServers', slug: 'desk', source: { servers: ['mine', 'b-file'] } },
      { section: 'teams', slug: 'mine', source: { members: ['ada'] } },
    ];
    const MERGED = { replace: false, dryRun: false };
    const namesOf = async () => (await worker.store.servers.list()).map(({ slug }) => slug);

    it('are brought in as a whole, and told by what became of each', async () => {
      const names = ['servers.mine', 'virtualServers.desk', 'teams.mine'];
      const tried = await worker.store.apply(wanted('One'), { ...MERGED, dryRun: true });
      expect(tried).toEqual({ created: names, updated: [], deleted: [], unchanged: [] });
      expect(await namesOf()).toEqual(['b-file', 'a-file']);
      expect(await worker.store.apply(wanted('One'), MERGED)).toEqual(tried);
      expect(worker.registry.find('mine')).toMatchObject({ title: 'One' });
      const [server, ...others] = wanted('Two');
      expect(await worker.store.apply([server!], { replace: true, dryRun: false })).toEqual({
        created: [],
        updated: ['servers.mine'],
        deleted: expect.arrayContaining(others.map(({ section, slug }) => `${section}.${slug}`)),
        unchanged: [],
      });
      expect(await namesOf()).toEqual(['b-file', 'a-file', 'mine']);
    });

    it.each<[string, Parameters<RegistryWorker['store']['apply']>[0]]>([
      ['at fault', [{ section: 'policies', slug: 'p', source: { effect: 'perhaps' } }]],
      ['declared in the file', [{ section: 'servers', slug: 'a-file', source: REMOTE }]],
      ['called like something else', [{ section: 'servers', slug: 'office', source: REMOTE }]],
      ['made of what is not there', [{ section: 'virtualServers', slug: 'v', source: { servers: ['nobody'] } }]],
      ['called wrong', [{ section: 'teams', slug: 'No Slug', source: {} }]],
    ])('are not brought in when one of them is %s', async (_what, bad) => {
      const fault = await refusal(worker.store.apply([...wanted('One'), ...bad], MERGED));
      expect(fault).toBeInstanceOf(EntryInvalid);
      expect(await namesOf()).toEqual(['b-file', 'a-file']);
    });
  });
});
