/** @waits */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import { DATABASE_KINDS, postgresHost, type DatabaseHost } from '../../test/support/databases.js';
import { DatabaseUnavailable } from '../database/index.js';
import { RegistryWorld, serverSlugs, waitForSnapshot, type RegistryWorker } from './registry-fixture.js';

const REMOTE = { transport: 'http', url: 'http://remote/mcp' };
const SECRET = 'top-secret';
const WITH_SECRETS = {
  remote: { ...REMOTE, headers: { Authorization: `Bearer ${SECRET}-1` } },
  local: { transport: 'stdio', command: 'true', args: [`--key=${SECRET}-2`], env: { KEY: `${SECRET}-3` } },
};
const FILE = JSON.stringify({
  servers: { 'in-file': { ...REMOTE, headers: { Authorization: `Bearer ${SECRET}-4` } } },
});

/** The promise is one second; the limit is twice as long because the machine may run many tests at once. */
const PROPAGATION_TIMEOUT_MS = scaleDeadline(2_000);

async function expectInTime(event: Promise<unknown>): Promise<void> {
  const start = performance.now();
  await event;
  expect(performance.now() - start).toBeLessThan(PROPAGATION_TIMEOUT_MS);
}

const serves = (worker: RegistryWorker, ...slugs: string[]) =>
  waitForSnapshot(worker.registry, (now) => slugs.every((slug) => serverSlugs(now).includes(slug)));

describe.each(DATABASE_KINDS)('workers that share a registry over $name', ({ start }) => {
  let host: DatabaseHost;
  let world: RegistryWorld;
  let one: RegistryWorker;
  let other: RegistryWorker;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    world = await RegistryWorld.create(host);
    one = await world.open({ text: FILE });
    other = await world.open();
    for (const { bootstrap } of [one, other]) bootstrap();
  });

  afterEach(() => world.close());
  afterAll(() => host.stop());

  it('serve a change of another worker within a second and keep unchanged definition objects', async () => {
    const before = other.registry.snapshot.servers[0];
    const { version } = await one.store.servers.create('mine', REMOTE);
    await expectInTime(serves(other, 'mine'));
    const [same, mine] = other.registry.snapshot.servers;
    expect(same).toBe(before);
    expect(mine).toEqual(one.registry.snapshot.servers[1]);
    await one.store.servers.replace('mine', { ...REMOTE, title: 'New' }, version);
    await expectInTime(waitForSnapshot(other.registry, ({ servers }) => servers[1]?.title === 'New'));
    expect(other.registry.snapshot.servers[0]).toBe(before);
  });

  it('serve a change of the file that another worker has reloaded', async () => {
    await one.reloadWith(JSON.stringify({ servers: { 'in-file': REMOTE, 'also-in-file': REMOTE } }));
    await expectInTime(serves(other, 'in-file', 'also-in-file'));
    expect(other.registry.snapshot.servers).toEqual(one.registry.snapshot.servers);
  });

  it('store no credentials in plain text in the database', async () => {
    for (const [slug, source] of Object.entries(WITH_SECRETS)) await one.store.servers.create(slug, source);
    await serves(other, ...Object.keys(WITH_SECRETS));
    expect(JSON.stringify(other.registry.snapshot).match(new RegExp(SECRET, 'g'))).toHaveLength(4);
    const { place } = world;
    const files = place.kind === 'sqlite' ? [place.file, `${place.file}-wal`] : [];
    const bytes = await Promise.all(files.map((file) => readFile(file, 'latin1')));
    const rows = JSON.stringify(await world.runSql('select * from registry_entries'));
    expect(rows).toContain('http://remote/mcp');
    for (const text of [rows, ...bytes]) expect(text).not.toContain(SECRET);
  });

  it('report an entry whose credentials cannot be decrypted, serve the others, and accept a replacement', async () => {
    await one.store.servers.create('sealed', WITH_SECRETS.remote);
    await one.store.servers.create('open', REMOTE);
    const team = await one.store.virtualServers.create('team', { servers: ['sealed', 'open'] });
    const late = await world.open({ credentials: [randomBytes(32)] });
    expect(serverSlugs(late.registry.snapshot)).toEqual(['in-file', 'open']);
    expect(late.registry.snapshot.virtualServers).toEqual([{ ...team.definition, servers: ['open'] }]);
    expect(world.logged.join('\n')).toMatch(
      /Some configured entries cannot be used:\n {2}servers\.sealed: The credentials cannot be decrypted/,
    );
    const entry = await late.store.servers.find('sealed');
    expect(entry).toMatchObject({ source: undefined, definition: undefined, faults: [{ path: '' }] });
    await late.store.servers.replace('sealed', WITH_SECRETS.remote, entry?.version ?? 0);
    expect(serverSlugs(late.registry.snapshot)).toEqual(['in-file', 'open', 'sealed']);
  });

  it('reencrypt credentials when a new secret becomes the first, without changing any definition', async () => {
    await one.store.servers.create('sealed', WITH_SECRETS.remote);
    const [oldSecret] = world.secrets.credentials;
    const newSecret = randomBytes(32);
    const rows = async () => JSON.stringify(await world.runSql('select sealed from registry_entries'));
    const before = await rows();
    const prepared = await world.open({ credentials: [oldSecret, newSecret] });
    expect(await rows()).toBe(before);
    const definition = prepared.registry.find('sealed');
    await world.open({ credentials: [newSecret, oldSecret] });
    expect(await rows()).not.toBe(before);
    await prepared.store.servers.create('later', REMOTE);
    expect(prepared.registry.find('sealed')).toBe(definition);
    const late = await world.open({ credentials: [newSecret] });
    expect(late.registry.find('sealed')).toEqual(definition);
  });

  it.each([
    ['a value that is no JSON object', `'7'`],
    ['an invalid entry', `'{"transport":"http"}'`],
  ])('omit an entry that was manually changed to %s and log it once', async (_name, text) => {
    await one.store.servers.create('mine', REMOTE);
    await one.store.virtualServers.create('team', { servers: ['mine', 'in-file'] });
    await serves(other, 'mine');
    await world.runSql(`update registry_entries set entry = ${text} where slug = 'mine'`);
    for (const { registry } of [one, other]) {
      const { virtualServers } = await waitForSnapshot(registry, (now) => !serverSlugs(now).includes('mine'));
      expect(virtualServers).toMatchObject([{ servers: ['in-file'] }]);
    }
    await one.store.servers.create('another', REMOTE);
    await serves(other, 'another');
    expect(world.logged.filter((line) => /servers\.mine[.:]/.test(line))).toHaveLength(2);
  });

  it('do not read the database after they are closed', async () => {
    await other.close();
    const { snapshot } = other.registry;
    await one.store.servers.create('mine', REMOTE);
    await other.registry.refresh();
    expect(other.registry.snapshot).toBe(snapshot);
  });

  it('warn once, after a delay, that the file of another host overrides their own', async () => {
    const warnings = () => world.logged.filter((line) => line.includes('Another gateway has applied'));
    const foreign = await world.open({ name: 'other.yaml', text: JSON.stringify({ servers: { foreign: REMOTE } }) });
    await serves(one, 'foreign');
    await one.registry.refresh();
    expect(warnings()).toEqual([]);
    const now = performance.now();
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now + 60_000);
    try {
      for (const worker of [one, one, foreign]) await worker.registry.refresh();
      expect(warnings()).toEqual([expect.stringContaining(world.filePath())]);
    } finally {
      clock.mockRestore();
    }
  });
});

describe('workers that share a registry during an outage of PostgreSQL', () => {
  let postgres: RunningPostgres;
  let world: RegistryWorld;
  let one: RegistryWorker;
  let other: RegistryWorker;

  beforeAll(async () => {
    postgres = await startPostgres();
  });

  beforeEach(async () => {
    world = await RegistryWorld.create(postgresHost(postgres));
    one = await world.open({ text: FILE });
    other = await world.open();
    for (const { bootstrap } of [one, other]) bootstrap();
  });

  afterEach(() => world.close());
  afterAll(() => postgres.stop());

  it.each(['in order', 'crash'] as const)('keep serving the last snapshot and recover afterwards (%s)', async (how) => {
    await one.store.servers.create('mine', REMOTE);
    await serves(other, 'mine');
    const snapshots = [one, other].map(({ registry }) => registry.snapshot);
    await postgres.end(how);
    await expect(one.store.servers.create('never', REMOTE)).rejects.toThrow(DatabaseUnavailable);
    for (const { registry } of [one, other, one, other]) await registry.refresh();
    expect([one, other].map(({ registry }) => registry.snapshot)).toEqual(snapshots);
    expect(world.logged.filter((line) => line.includes('Keeping the previous configuration'))).toHaveLength(2);
    await postgres.restart();
    await one.store.servers.create('after', REMOTE);
    await expectInTime(serves(other, 'after'));
    expect(serverSlugs(other.registry.snapshot)).toEqual(['in-file', 'after', 'mine']);
    expect(world.logged.filter((line) => line.includes('available again'))).toHaveLength(2);
  });

  it('apply a file that was reloaded during the outage without another reload', async () => {
    await postgres.end('crash');
    const text = JSON.stringify({ servers: { 'in-file': REMOTE, 'while-away': REMOTE } });
    expect(await one.reloadWith(text)).toBe('refused');
    await postgres.restart();
    await Promise.all([serves(one, 'while-away'), serves(other, 'while-away')]);
  });

  it('refuse an invalid file and log its faults during the outage', async () => {
    await postgres.end('in order');
    await writeFile(world.filePath(), 'servers: 7');
    expect(await one.file.reload()).toBe('refused');
    expect(world.logged.join('\n')).toMatch(/servers: must be a mapping/);
    await postgres.restart();
  });
});
