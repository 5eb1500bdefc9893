import { rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { RegistryFault, type RegistrySnapshot } from './index.js';
import { RegistryWorld, serverSlugs, type RegistryWorker } from './registry-fixture.js';

const ONE = 'servers: { one: { transport: http, url: http://one/ } }';
const TWO =
  'servers: { one: { transport: http, url: http://one/ }, two: { transport: sse, url: "http://two/${PATH_OF_TWO}" } }';
const BAD = 'servers: { one: { transport: http, url: nonsense, token: "very-secret" } }';

describe.each(DATABASE_KINDS)('the configuration file, over $name,', ({ start }) => {
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

  const open = (text?: string) =>
    world.open({ variables: { PATH_OF_TWO: 'sse' }, ...(text !== undefined && { text }) });

  const nextChange = ({ registry }: RegistryWorker) =>
    new Promise<RegistrySnapshot>((resolve) => {
      const stop = registry.onChange((now) => {
        stop();
        resolve(now);
      });
    });

  describe('when it is read', () => {
    it('does not open with faults, and names them all', async () => {
      const opening = open(BAD);
      await expect(opening).rejects.toThrow(RegistryFault);
      await expect(opening).rejects.toThrow(
        /2 faults in .*isthmus\.yaml:\n {2}servers\.one\.token.*\n {2}servers\.one\.url/,
      );
    });

    it.each(['is not there', 'is too large'])('does not open when it %s', async (reason) => {
      if (reason === 'is too large') await writeFile(world.filePath(), `# ${'x'.repeat(1_048_576)}`);
      await expect(open()).rejects.toThrow(RegistryFault);
    });

    it('tells of a change, with the state before it', async () => {
      const { registry, reloadWith } = await open(ONE);
      const { snapshot } = registry;
      const changes: [RegistrySnapshot, RegistrySnapshot][] = [];
      registry.onChange((now, before) => changes.push([now, before]));
      expect(await reloadWith(TWO)).toBe('applied');
      expect(changes).toEqual([[registry.snapshot, snapshot]]);
      expect(serverSlugs(changes[0]![0])).toEqual(['one', 'two']);
      expect(changes[0]![0].version).toBeGreaterThan(snapshot.version);
    });

    it('keeps what did not change the same object, so that its connections stay', async () => {
      const { registry, reloadWith } = await open(ONE);
      const { snapshot } = registry;
      await reloadWith(TWO);
      expect(registry.snapshot.servers[0]).toBe(snapshot.servers[0]);
      await reloadWith(ONE.replace('http://one/', 'http://other/'));
      expect(registry.snapshot.servers[0]).not.toBe(snapshot.servers[0]);
    });

    it('keeps the same object although it is written differently', async () => {
      const { registry, reloadWith } = await open(ONE);
      const [server] = registry.snapshot.servers;
      await reloadWith(TWO.replace('url: http://one/', 'enabled: true, headers: {}, url: http://one/'));
      expect(registry.snapshot.servers).toHaveLength(2);
      expect(registry.snapshot.servers[0]).toBe(server);
    });

    it('calls no change what changes nothing', async () => {
      const { registry, reloadWith } = await open(ONE);
      const { snapshot } = registry;
      registry.onChange(() => expect(true).toBe(false));
      expect(await reloadWith(`# a remark\n${ONE}\ndefault: { public: false }`)).toBe('unchanged');
      expect(registry.snapshot).toBe(snapshot);
    });

    it('keeps the old state when it is at fault, and logs every fault without a value', async () => {
      const { registry, reloadWith } = await open(ONE);
      const { snapshot } = registry;
      expect(await reloadWith(BAD)).toBe('refused');
      expect(registry.snapshot).toBe(snapshot);
      expect(world.logged.join('\n')).toMatch(/stays as it was[^]*servers\.one\.token[^]*servers\.one\.url/);
      expect(world.logged.join('\n')).not.toContain('very-secret');
      expect(await reloadWith(TWO)).toBe('applied');
    });

    it('keeps the old state when it is gone', async () => {
      const { registry, file } = await open(ONE);
      const { snapshot } = registry;
      await unlink(world.filePath());
      expect(await file.reload()).toBe('refused');
      expect(registry.snapshot).toBe(snapshot);
    });

    it('tells every listener, even after one that failed, and none that has stopped', async () => {
      const { registry, reloadWith } = await open(ONE);
      const told: string[] = [];
      registry.onChange(() => {
        throw new Error('a defect');
      });
      registry.onChange(() => told.push('second'));
      registry.onChange(() => told.push('third'))();
      await reloadWith(TWO);
      expect(told).toEqual(['second']);
    });

    it('ends with the last of many reloads at once', async () => {
      const { file } = await open(ONE);
      await writeFile(world.filePath(), TWO);
      expect(await Promise.all([file.reload(), file.reload()])).toEqual(['applied', 'unchanged']);
    });
  });

  describe('when it is watched', () => {
    it('takes over what is written to it', async () => {
      const worker = await open(ONE);
      worker.bootstrap();
      const change = nextChange(worker);
      await writeFile(world.filePath(), TWO);
      expect(serverSlugs(await change)).toEqual(['one', 'two']);
    });

    it('takes over a file that an editor puts in its place, again and again', async () => {
      const worker = await open(ONE);
      worker.bootstrap();
      for (const [text, expected] of [
        [TWO, ['one', 'two']],
        [ONE, ['one']],
      ] as const) {
        const change = nextChange(worker);
        await writeFile(world.filePath('draft'), text);
        await rename(world.filePath('draft'), world.filePath());
        expect(serverSlugs(await change)).toEqual(expected);
      }
    });

    it('takes over a file that is mounted by links which are swapped', async () => {
      await writeFile(join(world.folder, 'first'), ONE);
      await writeFile(join(world.folder, 'second'), TWO);
      await symlink('first', join(world.folder, '..data'));
      await symlink('..data', world.filePath());
      const worker = await open();
      worker.bootstrap();
      const change = nextChange(worker);
      await symlink('second', join(world.folder, '..data_tmp'));
      await rename(join(world.folder, '..data_tmp'), join(world.folder, '..data'));
      expect(serverSlugs(await change)).toEqual(['one', 'two']);
    });
  });
});
