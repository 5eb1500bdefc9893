import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import { DATABASE_KINDS, postgresHost, type DatabaseHost } from '../../test/support/databases.js';
import { DatabaseUnavailable } from '../database/index.js';
import { RegistryWorld, slugsOf, whenServed, type RegistryWorker } from './registry-fixture.js';

const REMOTE = { transport: 'http', url: 'http://remote/mcp' };
const SECRET = 'tell-nobody';
const WITH_SECRETS = {
  remote: { ...REMOTE, headers: { Authorization: `Bearer ${SECRET}-1` } },
  local: { transport: 'stdio', command: 'true', args: [`--key=${SECRET}-2`], env: { KEY: `${SECRET}-3` } },
};
const FILE = JSON.stringify({
  servers: { 'in-file': { ...REMOTE, headers: { Authorization: `Bearer ${SECRET}-4` } } },
});

/** The promise is a second; a machine that runs many tests at once has twice as long. */
const IN_TIME_MS = scaleDeadline(2_000);

async function inTime(event: Promise<unknown>): Promise<void> {
  const start = performance.now();
  await event;
  expect(performance.now() - start).toBeLessThan(IN_TIME_MS);
}

const serves = (worker: RegistryWorker, ...slugs: string[]) =>
  whenServed(worker.registry, (now) => slugs.every((slug) => slugsOf(now).includes(slug)));

describe.each(DATABASE_KINDS)('workers that share a registry, in $name,', ({ start }) => {
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

  it('serve a change of one of them within a second, and keep what did not change the same object', async () => {
    const before = other.registry.snapshot.servers[0];
    const { version } = await one.store.servers.create('mine', REMOTE);
    await inTime(serves(other, 'mine'));
    const [same, mine] = other.registry.snapshot.servers;
    expect(same).toBe(before);
    expect(mine).toEqual(one.registry.snapshot.servers[1]);
    await one.store.servers.replace('mine', { ...REMOTE, title: 'New' }, version);
    await inTime(whenServed(other.registry, ({ servers }) => servers[1]?.title === 'New'));
    expect(other.registry.snapshot.servers[0]).toBe(before);
  });

  it('serve a change of the file that one of them was told to read', async () => {
    await one.reloadWith(JSON.stringify({ servers: { 'in-file': REMOTE, 'also-in-file': REMOTE } }));
    await inTime(serves(other, 'in-file', 'also-in-file'));
    expect(other.registry.snapshot.servers).toEqual(one.registry.snapshot.servers);
  });

  it('leave no credentials to be read in the database', async () => {
    for (const [slug, written] of Object.entries(WITH_SECRETS)) await one.store.servers.create(slug, written);
    await serves(other, ...Object.keys(WITH_SECRETS));
    expect(JSON.stringify(other.registry.snapshot).match(new RegExp(SECRET, 'g'))).toHaveLength(4);
    const { place } = world;
    const files = place.kind === 'sqlite' ? [place.file, `${place.file}-wal`] : [];
    const bytes = await Promise.all(files.map((file) => readFile(file, 'latin1')));
    const rows = JSON.stringify(await world.byHand('select * from registry_entries'));
    expect(rows).toContain('http://remote/mcp');
    for (const text of [rows, ...bytes]) expect(text).not.toContain(SECRET);
  });

  it('say so when credentials cannot be opened any more, and serve the rest; they can be written anew', async () => {
    await one.store.servers.create('sealed', WITH_SECRETS.remote);
    await one.store.servers.create('open', REMOTE);
    const team = await one.store.virtualServers.create('team', { servers: ['sealed', 'open'] });
    const late = await world.open({ credentials: [randomBytes(32)] });
    expect(slugsOf(late.registry.snapshot)).toEqual(['in-file', 'open']);
    expect(late.registry.snapshot.virtualServers).toEqual([{ ...team.definition, servers: ['open'] }]);
    expect(world.logged.join('\n')).toMatch(/Not all.*used:\n {2}servers\.sealed: Its credentials cannot be opened/);
    const entry = await late.store.servers.find('sealed');
    expect(entry).toMatchObject({ written: undefined, definition: undefined, faults: [{ path: '' }] });
    await late.store.servers.replace('sealed', WITH_SECRETS.remote, entry?.version ?? 0);
    expect(slugsOf(late.registry.snapshot)).toEqual(['in-file', 'open', 'sealed']);
  });

  it('seal credentials anew once a new secret is the first, and nobody who has it notices', async () => {
    await one.store.servers.create('sealed', WITH_SECRETS.remote);
    const [old] = world.secrets.credentials;
    const young = randomBytes(32);
    const rows = async () => JSON.stringify(await world.byHand('select sealed from registry_entries'));
    const before = await rows();
    const prepared = await world.open({ credentials: [old, young] });
    expect(await rows()).toBe(before);
    const definition = prepared.registry.find('sealed');
    await world.open({ credentials: [young, old] });
    expect(await rows()).not.toBe(before);
    await prepared.store.servers.create('later', REMOTE);
    expect(prepared.registry.find('sealed')).toBe(definition);
    const late = await world.open({ credentials: [young] });
    expect(late.registry.find('sealed')).toEqual(definition);
  });

  it.each([
    ['no JSON object', `'7'`],
    ['against the rules', `'{"transport":"pigeon"}'`],
  ])('leave out what somebody wrote into the database that is %s, and tell it once', async (_name, text) => {
    await one.store.servers.create('mine', REMOTE);
    await one.store.virtualServers.create('team', { servers: ['mine', 'in-file'] });
    await serves(other, 'mine');
    await world.byHand(`update registry_entries set entry = ${text} where slug = 'mine'`);
    for (const { registry } of [one, other]) {
      const { virtualServers } = await whenServed(registry, (now) => !slugsOf(now).includes('mine'));
      expect(virtualServers).toMatchObject([{ servers: ['in-file'] }]);
    }
    await one.store.servers.create('another', REMOTE);
    await serves(other, 'another');
    expect(world.logged.filter((line) => /servers\.mine[.:]/.test(line))).toHaveLength(2);
  });

  it('ask no more when they are closed', async () => {
    await other.close();
    const { snapshot } = other.registry;
    await one.store.servers.create('mine', REMOTE);
    await other.registry.refresh();
    expect(other.registry.snapshot).toBe(snapshot);
  });

  it('tell, once and not too soon, that the file of another host counts', async () => {
    const told = () => world.logged.filter((line) => line.includes('Another gateway has declared'));
    const stranger = await world.open({ name: 'other.yaml', text: JSON.stringify({ servers: { foreign: REMOTE } }) });
    await serves(one, 'foreign');
    await one.registry.refresh();
    expect(told()).toEqual([]);
    const now = performance.now();
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now + 60_000);
    try {
      for (const worker of [one, one, stranger]) await worker.registry.refresh();
      expect(told()).toEqual([expect.stringContaining(world.fileOf())]);
    } finally {
      clock.mockRestore();
    }
  });
});

describe('workers whose PostgreSQL goes and comes back', () => {
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

  it.each(['in order', 'crash'] as const)('serve what they know meanwhile, and changes after it (%s)', async (how) => {
    await one.store.servers.create('mine', REMOTE);
    await serves(other, 'mine');
    const snapshots = [one, other].map(({ registry }) => registry.snapshot);
    await postgres.end(how);
    await expect(one.store.servers.create('never', REMOTE)).rejects.toThrow(DatabaseUnavailable);
    for (const { registry } of [one, other, one, other]) await registry.refresh();
    expect([one, other].map(({ registry }) => registry.snapshot)).toEqual(snapshots);
    expect(world.logged.filter((line) => line.includes('stays as it was'))).toHaveLength(2);
    await postgres.restart();
    await one.store.servers.create('after', REMOTE);
    await inTime(serves(other, 'after'));
    expect(slugsOf(other.registry.snapshot)).toEqual(['in-file', 'after', 'mine']);
    expect(world.logged.filter((line) => line.includes('answers again'))).toHaveLength(2);
  });

  it('take over by themselves what the file declared meanwhile', async () => {
    await postgres.end('crash');
    const text = JSON.stringify({ servers: { 'in-file': REMOTE, 'while-away': REMOTE } });
    expect(await one.reloadWith(text)).toBe('refused');
    await postgres.restart();
    await Promise.all([serves(one, 'while-away'), serves(other, 'while-away')]);
  });

  it('refuse a file that is at fault although the database cannot be asked', async () => {
    await postgres.end('in order');
    await writeFile(world.fileOf(), 'servers: 7');
    expect(await one.file.reload()).toBe('refused');
    expect(world.logged.join('\n')).toMatch(/servers: must be a mapping/);
    await postgres.restart();
  });
});
