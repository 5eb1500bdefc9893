import { rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { RegistryFault, type RegistrySnapshot } from './index.js';
import { RegistryWorld, serverSlugs, type RegistryWorker } from './registry-fixture.js';

const ONE = 'servers: { one: { transport: http, url: http://one/ } }';
const TWO =
  'servers: { one: { transport: http, url: http://one/ }, two: { transport: sse, url: "http://two/${PATH_OF_TWO}" } }';
const INVALID = 'servers: { one: { transport: http, url: nonsense, token: "very-secret" } }';

describe.each(DATABASE_KINDS)('ConfigurationFile over $name', ({ start }) => {
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

  describe('on start and reload', () => {
    it('refuses to start with an invalid file and names every fault', async () => {
      const opening = open(INVALID);
      await expect(opening).rejects.toThrow(RegistryFault);
      await expect(opening).rejects.toThrow(
        /2 faults in .*isthmus\.yaml:\n {2}servers\.one\.token.*\n {2}servers\.one\.url/,
      );
    });

    it.each(['missing', 'too large'])('refuses to start when the file is %s', async (reason) => {
      if (reason === 'too large') await writeFile(world.filePath(), `# ${'x'.repeat(1_048_576)}`);
      await expect(open()).rejects.toThrow(RegistryFault);
    });

    it('notifies listeners of a change with the new and the previous snapshot', async () => {
      const { registry, reloadWith } = await open(ONE);
      const { snapshot } = registry;
      const changes: [RegistrySnapshot, RegistrySnapshot][] = [];
      registry.onChange((now, before) => changes.push([now, before]));
      expect(await reloadWith(TWO)).toBe('applied');
      expect(changes).toEqual([[registry.snapshot, snapshot]]);
      expect(serverSlugs(changes[0]![0])).toEqual(['one', 'two']);
      expect(changes[0]![0].version).toBeGreaterThan(snapshot.version);
    });

    it('keeps the definition object of an unchanged server, so that its connections stay open', async () => {
      const { registry, reloadWith } = await open(ONE);
      const { snapshot } = registry;
      await reloadWith(TWO);
      expect(registry.snapshot.servers[0]).toBe(snapshot.servers[0]);
      await reloadWith(ONE.replace('http://one/', 'http://other/'));
      expect(registry.snapshot.servers[0]).not.toBe(snapshot.servers[0]);
    });

    it('keeps the definition object of a server whose source changes without effect', async () => {
      const { registry, reloadWith } = await open(ONE);
      const [server] = registry.snapshot.servers;
      await reloadWith(TWO.replace('url: http://one/', 'enabled: true, headers: {}, url: http://one/'));
      expect(registry.snapshot.servers).toHaveLength(2);
      expect(registry.snapshot.servers[0]).toBe(server);
    });

    it('keeps the snapshot and notifies no listener when a reload changes nothing', async () => {
      const { registry, reloadWith } = await open(ONE);
      const { snapshot } = registry;
      registry.onChange(() => expect(true).toBe(false));
      expect(await reloadWith(`# a remark\n${ONE}\ndefault: { public: false }`)).toBe('unchanged');
      expect(registry.snapshot).toBe(snapshot);
    });

    it('keeps the previous snapshot when the file is invalid and logs every fault without values', async () => {
      const { registry, reloadWith } = await open(ONE);
      const { snapshot } = registry;
      expect(await reloadWith(INVALID)).toBe('refused');
      expect(registry.snapshot).toBe(snapshot);
      expect(world.logged.join('\n')).toMatch(
        /Keeping the previous configuration[^]*servers\.one\.token[^]*servers\.one\.url/,
      );
      expect(world.logged.join('\n')).not.toContain('very-secret');
      expect(await reloadWith(TWO)).toBe('applied');
    });

    it('keeps the previous snapshot when the file is deleted', async () => {
      const { registry, file } = await open(ONE);
      const { snapshot } = registry;
      await unlink(world.filePath());
      expect(await file.reload()).toBe('refused');
      expect(registry.snapshot).toBe(snapshot);
    });

    it('notifies every listener even after one has thrown, except unsubscribed ones', async () => {
      const { registry, reloadWith } = await open(ONE);
      const notified: string[] = [];
      registry.onChange(() => {
        throw new Error('a defect');
      });
      registry.onChange(() => notified.push('second'));
      registry.onChange(() => notified.push('third'))();
      await reloadWith(TWO);
      expect(notified).toEqual(['second']);
    });

    it('runs concurrent reloads in sequence', async () => {
      const { file } = await open(ONE);
      await writeFile(world.filePath(), TWO);
      expect(await Promise.all([file.reload(), file.reload()])).toEqual(['applied', 'unchanged']);
    });
  });

  describe('while watching', () => {
    it('applies changes written to the file', async () => {
      const worker = await open(ONE);
      worker.bootstrap();
      const change = nextChange(worker);
      await writeFile(world.filePath(), TWO);
      expect(serverSlugs(await change)).toEqual(['one', 'two']);
    });

    it('applies a file that an editor renames over the old one, repeatedly', async () => {
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

    it('applies a file whose symbolic link is replaced, as Kubernetes does for mounted files', async () => {
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
