import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { ChangeRefused, EntryInvalid, EntryUnknown, identityOf } from './index.js';
import { EntryInUse, EntryManaged, SlugTaken, VersionMismatch } from './registry.errors.js';
import type { DesiredEntry } from './registry-changes.js';
import { SAMPLE_PROGRAM } from './sample-server.js';
import { RegistryWorld, serverSlugs, type RegistryWorker } from './registry-fixture.js';

const FILE = `
servers: { b-file: { transport: http, url: http://b/ }, a-file: { transport: http, url: "\${A}" } }
virtualServers: { office: { servers: [a-file] } }
`;
const WORDS = { name: 'WordsCheck', module: 'Acme', options: { name: 'words', phases: ['results'] } } as const;
const REMOTE = { transport: 'http', url: 'http://remote/mcp' };

describe.each(DATABASE_KINDS)('RegistryStore over $name', ({ start }) => {
  let host: DatabaseHost;
  let world: RegistryWorld;
  let worker: RegistryWorker;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    world = await RegistryWorld.create(host);
    worker = await world.open({ text: FILE, variables: { A: 'http://a/' }, checks: [WORDS] });
  });

  afterEach(() => world.close());
  afterAll(() => host.stop());

  /** Returns the refusal of a change, and asserts that the change had no effect. */
  async function refusal(change: Promise<unknown>): Promise<unknown> {
    const before = await world.runSql('select revision from registry_state');
    const fault: unknown = await change.catch((reason: unknown) => reason);
    expect(fault).toBeInstanceOf(ChangeRefused);
    expect(await world.runSql('select revision from registry_state')).toEqual(before);
    return fault;
  }

  describe('servers', () => {
    it('gives each server an identity that no later server of its slug has, and keeps that of the file', async () => {
      const { store, registry, reloadWith } = worker;
      const identity = (slug: string) =>
        registry.snapshot.servers.filter((each) => each.slug === slug).map(identityOf)[0];
      const first = await store.servers.create('mine', REMOTE);
      const before = identity('mine');
      const changed = await store.servers.replace('mine', { ...REMOTE, title: 'Changed' }, first.version);
      expect(identity('mine')).toBe(before);
      await store.servers.delete('mine', changed.version);
      await store.servers.create('mine', REMOTE);
      expect(identity('mine')).not.toBe(before);
      expect(identity('b-file')).toBe('b-file');
      await reloadWith(FILE.replace('b-file', 'c-file'));
      await reloadWith(FILE);
      expect(identity('b-file')).toBe('b-file');
    });

    it('creates a server by the rules of the file and serves it at once', async () => {
      const { store, registry } = worker;
      const source = { ...REMOTE, timeouts: { connect: '5s' }, headers: { Authorization: 'Bearer ${A}' } };
      const created = await store.servers.create('mine', source);
      const definition = {
        slug: 'mine',
        ...REMOTE,
        enabled: true,
        allowUnknownMethods: false,
        tasks: false,
        public: false,
        headers: { Authorization: 'Bearer ${A}' },
        timeouts: { connectMs: 5_000, requestMs: 300_000 },
        guarded: true,
        identity: expect.stringMatching(/^mine@/),
      };
      expect(created).toEqual({
        slug: 'mine',
        managed: false,
        version: expect.any(Number),
        createdAt: expect.any(Date),
        updatedAt: created.createdAt,
        source,
        definition,
        faults: [],
        warnings: [],
      });
      expect(await store.servers.find('mine')).toEqual(created);
      expect(registry.find('mine')).toEqual(definition);
    });

    it('accepts and serves stdio servers only at workers whose settings allow them', async () => {
      const program = { transport: 'stdio', command: 'true' };
      await worker.store.servers.create('program', program);
      const restricted = await world.open({ variables: { A: 'http://a/' }, mayStartPrograms: false });
      expect(restricted.registry.find('program')).toBeUndefined();
      const refused = restricted.store.servers.create('another', program);
      await expect(refused).rejects.toMatchObject({
        faults: [{ path: 'transport', message: expect.stringContaining('would start a program on this host') }],
      });
      expect(worker.registry.find('program')).toMatchObject({ command: 'true', guarded: true });
    });

    it('accepts and serves the sample server although no programs may be started, and no variation of it', async () => {
      const variables = { ISTHMUS_NODE: '/bin/node', ISTHMUS_HOME: '/opt/isthmus', TOKEN: 't0p' };
      const { store, registry } = await world.open({
        variables: { A: 'http://a/', ...variables },
        mayStartPrograms: false,
      });
      const { command, args } = SAMPLE_PROGRAM;
      const sample = { transport: 'stdio', command, args: [...args], title: '${TOKEN}' };
      await store.servers.create('sample', sample);
      expect(registry.find('sample')).toMatchObject({
        command: '/bin/node',
        args: ['/opt/isthmus/dist/src/sample-server/main.js'],
        title: '${TOKEN}',
        guarded: true,
      });
      const variations = [
        { env: { NODE_OPTIONS: '--import=x' } },
        { cwd: '/' },
        { args: [...args, 'x'] },
        { command: 'x' },
      ];
      for (const variation of variations)
        await expect(store.servers.create('other', { ...sample, ...variation })).rejects.toMatchObject({
          faults: [{ path: 'transport' }],
        });
    });

    it('lists created servers by slug after the managed ones, which keep the order of the file', async () => {
      const { store, registry } = worker;
      await store.servers.create('zebra', REMOTE);
      await store.servers.create('aardvark', REMOTE);
      const expected = ['b-file', 'a-file', 'aardvark', 'zebra'];
      expect((await store.servers.list()).map(({ slug }) => slug)).toEqual(expected);
      expect(serverSlugs(registry.snapshot)).toEqual(expected);
    });

    it('replaces the whole server and keeps the definition objects of the others', async () => {
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

    it('deletes a server, after which it is unknown', async () => {
      const { store, registry } = worker;
      const { version } = await store.servers.create('mine', REMOTE);
      await store.servers.delete('mine', version);
      expect(await store.servers.find('mine')).toBeUndefined();
      expect(serverSlugs(registry.snapshot)).toEqual(['b-file', 'a-file']);
      expect(await refusal(store.servers.delete('mine', version))).toBeInstanceOf(EntryUnknown);
      expect(await refusal(store.servers.replace('mine', REMOTE, version))).toBeInstanceOf(EntryUnknown);
    });

    it('refuses an invalid server with every fault, by its path within the entry', async () => {
      const invalid = { transport: 'http', url: 'nonsense', timeouts: { connect: 'soon' }, colour: 'red' };
      const fault = await refusal(worker.store.servers.create('mine', invalid));
      expect(fault).toBeInstanceOf(EntryInvalid);
      const paths = (fault as EntryInvalid).faults.map(({ path }) => path);
      expect(paths.toSorted()).toEqual(['colour', 'timeouts.connect', 'url']);
      expect(await refusal(worker.store.servers.create('mine', {}))).toMatchObject({ faults: [{ path: 'transport' }] });
    });

    it.each(['Mine', 'a__b', '', 'default', 'x'.repeat(33)])('refuses the server name %j', async (slug) => {
      expect(await refusal(worker.store.servers.create(slug, REMOTE))).toMatchObject({ faults: [{ path: 'slug' }] });
    });

    it.each(['a-file', 'office'])('refuses a server with the name %s of an existing entry', async (slug) => {
      expect(await refusal(worker.store.servers.create(slug, REMOTE))).toBeInstanceOf(SlugTaken);
    });
  });

  describe('virtual servers', () => {
    it('creates, replaces and deletes a virtual server over managed and created servers', async () => {
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

    it('refuses a virtual server that lists a server which does not exist', async () => {
      const { store } = worker;
      const fault = await refusal(store.virtualServers.create('team', { servers: ['a-file', 'b-fil', 'office'] }));
      expect(fault).toMatchObject({
        faults: [{ path: 'servers[1]', message: expect.stringContaining('b-file') }, { path: 'servers[2]' }],
      });
    });

    it('refuses to delete a server until no virtual server uses it', async () => {
      const { store } = worker;
      const mine = await store.servers.create('mine', REMOTE);
      const one = await store.virtualServers.create('one', { servers: ['mine'] });
      const two = await store.virtualServers.create('two', { servers: ['b-file', 'mine'] });
      const fault = await refusal(store.servers.delete('mine', mine.version));
      expect(fault).toBeInstanceOf(EntryInUse);
      expect(fault).toMatchObject({
        usedBy: ['virtual server one', 'virtual server two'],
        message: expect.stringContaining('virtual server one, virtual server two'),
      });
      await store.virtualServers.delete('one', one.version);
      await store.virtualServers.replace('two', { servers: ['b-file'] }, two.version);
      await store.servers.delete('mine', mine.version);
    });

    it('rejects a server used as a virtual server, and a virtual server with the name of a server', async () => {
      const { store } = worker;
      const { version } = await store.servers.create('mine', REMOTE);
      expect(await store.virtualServers.find('mine')).toBeUndefined();
      expect(await refusal(store.virtualServers.delete('mine', version))).toBeInstanceOf(EntryUnknown);
      expect(await refusal(store.virtualServers.create('mine', { servers: [] }))).toBeInstanceOf(SlugTaken);
    });
  });

  describe('concurrent changes', () => {
    it('refuses a change made for an outdated version', async () => {
      const { store } = worker;
      const { version } = await store.servers.create('mine', REMOTE);
      const { version: next } = await store.servers.replace('mine', { ...REMOTE, title: 'New' }, version);
      for (const late of [store.servers.replace('mine', REMOTE, version), store.servers.delete('mine', version)]) {
        const fault = await refusal(late);
        expect(fault).toBeInstanceOf(VersionMismatch);
        expect(fault).toMatchObject({ expected: version, actual: next });
      }
    });

    it('accepts one of several concurrent changes of a version', async () => {
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

    it('never reuses the version of a deleted entry of the same name', async () => {
      const { store } = worker;
      const { version } = await store.servers.create('mine', REMOTE);
      await store.servers.delete('mine', version);
      await store.servers.create('mine', REMOTE);
      expect(await refusal(store.servers.delete('mine', version))).toBeInstanceOf(VersionMismatch);
    });

    it('accepts one of several concurrent creations of a name', async () => {
      const other = await world.open({ variables: { A: 'http://a/' } });
      const creations = Array.from({ length: 6 }, (_, index) =>
        [worker, other][index % 2]!.store.servers.create('mine', REMOTE),
      );
      const ends = await Promise.allSettled(creations);
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });
  });

  describe('managed entries', () => {
    it('shows a managed entry with its source and with its definition on this host', async () => {
      expect(await worker.store.servers.find('a-file')).toMatchObject({
        managed: true,
        source: { transport: 'http', url: '${A}' },
        definition: { url: 'http://a/' },
      });
    });

    it('refuses to change or delete a managed entry and says where to change it', async () => {
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

  describe('apply', () => {
    const desired = (title: string): DesiredEntry[] => [
      { section: 'servers', slug: 'mine', source: { ...REMOTE, title } },
      { section: 'virtualServers', slug: 'desk', source: { servers: ['mine', 'b-file'] } },
      { section: 'teams', slug: 'mine', source: { members: ['ada'] } },
    ];
    const MERGE = { replace: false, dryRun: false };
    const namesOf = async () => (await worker.store.servers.list()).map(({ slug }) => slug);

    it('creates, updates and deletes entries as desired and reports each, with a dry run that changes nothing', async () => {
      const names = ['servers.mine', 'virtualServers.desk', 'teams.mine'];
      const dryRun = await worker.store.apply(desired('One'), { ...MERGE, dryRun: true });
      expect(dryRun).toEqual({ created: names, updated: [], deleted: [], unchanged: [], warnings: [] });
      expect(await namesOf()).toEqual(['b-file', 'a-file']);
      expect(await worker.store.apply(desired('One'), MERGE)).toEqual(dryRun);
      expect(worker.registry.find('mine')).toMatchObject({ title: 'One' });
      const [server, ...others] = desired('Two');
      expect(await worker.store.apply([server!], { replace: true, dryRun: false })).toEqual({
        created: [],
        updated: ['servers.mine'],
        deleted: expect.arrayContaining(others.map(({ section, slug }) => `${section}.${slug}`)),
        unchanged: [],
        warnings: [],
      });
      expect(await namesOf()).toEqual(['b-file', 'a-file', 'mine']);
    });

    const LEDGER: DesiredEntry = { section: 'servers', slug: 'ledger', source: { transport: 'ledger', host: 'a' } };
    const DLP: DesiredEntry = { section: 'guardrails', slug: 'dlp', source: { check: 'acme-dlp', options: { a: 1 } } };

    it('carries entries through whose extension is not loaded, with a warning', async () => {
      const { created, warnings } = await worker.store.apply([LEDGER, DLP, ...desired('One')], MERGE);
      expect(created).toHaveLength(5);
      expect(warnings).toMatchObject([
        { path: 'servers.ledger.transport', message: expect.stringContaining('the kind "ledger". Load it') },
        { path: 'guardrails.dlp.check', message: expect.stringContaining('No check has this name.') },
      ]);
      expect(worker.registry.find('ledger')).toMatchObject({ transport: 'unloaded', kind: 'ledger' });
      expect(await worker.store.servers.find('ledger')).toMatchObject({ source: LEDGER.source, faults: [{}] });
      expect(worker.registry.snapshot.guardrails).toMatchObject([{ slug: 'dlp', fault: expect.any(String) }]);
    });

    it('refuses nothing because of what stored entries lacked before, and finds what it breaks itself', async () => {
      await worker.store.apply([LEDGER, DLP, ...desired('One')], MERGE);
      await world.runSql(`update registry_entries set entry = '{"servers":["gone"]}' where slug = 'desk'`);
      const [server] = desired('Two');
      expect(await worker.store.apply([server!, LEDGER], MERGE)).toMatchObject({
        updated: ['servers.mine'],
        unchanged: ['servers.ledger'],
      });
      const desk = { ...desired('One')[1]!, source: { servers: ['ledger'] } };
      await worker.store.apply([desk], MERGE);
      const fault = await refusal(worker.store.apply([desk], { replace: true, dryRun: false }));
      expect(fault).toMatchObject({ faults: [{ path: expect.stringMatching(/^virtualServers.desk/) }] });
    });

    it.each<[string, Parameters<RegistryWorker['store']['apply']>[0]]>([
      ['invalid', [{ section: 'policies', slug: 'p', source: { effect: 'perhaps' } }]],
      ['managed', [{ section: 'servers', slug: 'a-file', source: REMOTE }]],
      ['named like an entry of another kind', [{ section: 'servers', slug: 'office', source: REMOTE }]],
      [
        'a virtual server over a missing server',
        [{ section: 'virtualServers', slug: 'v', source: { servers: ['missing'] } }],
      ],
      ['a guardrail with a misspelled check', [{ section: 'guardrails', slug: 'g', source: { check: 'wrods' } }]],
      ['a server of a misspelled kind', [{ section: 'servers', slug: 's', source: { ...REMOTE, transport: 'htpt' } }]],
      ['an invalid secret', [{ section: 'secrets', slug: 's', source: { value: '' } }]],
      ['named against the rules', [{ section: 'teams', slug: 'No Slug', source: {} }]],
    ])('changes nothing when one of the entries is %s', async (_what, invalid) => {
      const fault = await refusal(worker.store.apply([...desired('One'), ...invalid], MERGE));
      expect(fault).toBeInstanceOf(EntryInvalid);
      expect(await namesOf()).toEqual(['b-file', 'a-file']);
    });
  });
});
