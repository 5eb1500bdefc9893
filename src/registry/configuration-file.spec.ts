import { mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { FileServerRegistry, RegistryFault, type RegistrySnapshot } from './index.js';

const ONE = 'servers: { one: { transport: http, url: http://one/ } }';
const TWO =
  'servers: { one: { transport: http, url: http://one/ }, two: { transport: sse, url: "http://two/${PATH_OF_TWO}" } }';
const BAD = 'servers: { one: { transport: http, url: nonsense, token: "very-secret" } }';

let folder: string;
let file: string;
let registry: FileServerRegistry | undefined;
let logged: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-registry-'));
  file = join(folder, 'isthmus.yaml');
  logged = [];
  const note = (message: unknown) => void logged.push(String(message));
  Logger.overrideLogger({ log: note, warn: note, error: note });
});

afterEach(async () => {
  await registry?.onApplicationShutdown();
  registry = undefined;
  Logger.overrideLogger(false);
  await rm(folder, { recursive: true });
});

async function openWith(text: string): Promise<FileServerRegistry> {
  await writeFile(file, text);
  registry = await FileServerRegistry.open(file, { PATH_OF_TWO: 'sse' });
  return registry;
}

async function reloadWith(text: string) {
  await writeFile(file, text);
  return registry?.reload();
}

const slugs = (snapshot: RegistrySnapshot) => snapshot.servers.map((server) => server.slug);

const nextChange = (watched: FileServerRegistry) =>
  new Promise<RegistrySnapshot>((resolve) => {
    const stop = watched.onChange((now) => {
      stop();
      resolve(now);
    });
  });

describe('a registry in a file', () => {
  it('does not open with faults, and names them all', async () => {
    const opening = openWith(BAD);
    await expect(opening).rejects.toThrow(RegistryFault);
    await expect(opening).rejects.toThrow(
      /2 faults in .*isthmus\.yaml:\n {2}servers\.one\.token.*\n {2}servers\.one\.url/,
    );
  });

  it.each(['is not there', 'is too large'])('does not open when the file %s', async (reason) => {
    if (reason === 'is too large') await writeFile(file, `# ${'x'.repeat(1_048_576)}`);
    await expect(FileServerRegistry.open(file, {})).rejects.toThrow(RegistryFault);
  });

  it('tells of a change, with the state before it', async () => {
    const { snapshot } = await openWith(ONE);
    const changes: [RegistrySnapshot, RegistrySnapshot][] = [];
    registry?.onChange((now, before) => changes.push([now, before]));
    expect(await reloadWith(TWO)).toBe('applied');
    expect(changes).toEqual([[registry?.snapshot, snapshot]]);
    expect(slugs(changes[0]![0])).toEqual(['one', 'two']);
    expect(changes[0]![0].version).toBeGreaterThan(snapshot.version);
  });

  it('keeps what did not change the same object, so that its connections stay', async () => {
    const { snapshot } = await openWith(ONE);
    await reloadWith(TWO);
    expect(registry?.snapshot.servers[0]).toBe(snapshot.servers[0]);
    await reloadWith(ONE.replace('http://one/', 'http://other/'));
    expect(registry?.snapshot.servers[0]).not.toBe(snapshot.servers[0]);
  });

  it('calls no change what changes nothing', async () => {
    const { snapshot } = await openWith(ONE);
    registry?.onChange(() => expect(true).toBe(false));
    expect(await reloadWith(`# a remark\n${ONE}\ndefault: { public: false }`)).toBe('unchanged');
    expect(registry?.snapshot).toBe(snapshot);
  });

  it('keeps the old state when the new file is at fault, and logs every fault without a value', async () => {
    const { snapshot } = await openWith(ONE);
    expect(await reloadWith(BAD)).toBe('refused');
    expect(registry?.snapshot).toBe(snapshot);
    expect(logged.join('\n')).toMatch(/stays as it was[^]*servers\.one\.token[^]*servers\.one\.url/);
    expect(logged.join('\n')).not.toContain('very-secret');
    expect(await reloadWith(TWO)).toBe('applied');
  });

  it('keeps the old state when the file is gone', async () => {
    const { snapshot } = await openWith(ONE);
    await unlink(file);
    expect(await registry?.reload()).toBe('refused');
    expect(registry?.snapshot).toBe(snapshot);
  });

  it('tells every listener, even after one that failed, and none that has stopped', async () => {
    await openWith(ONE);
    const told: string[] = [];
    registry?.onChange(() => {
      throw new Error('a defect');
    });
    registry?.onChange(() => told.push('second'));
    registry?.onChange(() => told.push('third'))();
    await reloadWith(TWO);
    expect(told).toEqual(['second']);
  });

  it('ends with the last of many reloads at once', async () => {
    await openWith(ONE);
    await writeFile(file, TWO);
    expect(await Promise.all([registry?.reload(), registry?.reload()])).toEqual(['applied', 'unchanged']);
  });
});

describe('a registry that is watched', () => {
  it('takes over what is written to the file', async () => {
    const watched = await openWith(ONE);
    watched.onApplicationBootstrap();
    const change = nextChange(watched);
    await writeFile(file, TWO);
    expect(slugs(await change)).toEqual(['one', 'two']);
  });

  it('takes over a file that an editor puts in its place, again and again', async () => {
    const watched = await openWith(ONE);
    watched.onApplicationBootstrap();
    for (const [text, expected] of [
      [TWO, ['one', 'two']],
      [ONE, ['one']],
    ] as const) {
      const change = nextChange(watched);
      await writeFile(`${file}~`, text);
      await rename(`${file}~`, file);
      expect(slugs(await change)).toEqual(expected);
    }
  });

  it('takes over a file that is mounted by links which are swapped', async () => {
    await writeFile(join(folder, 'first'), ONE);
    await writeFile(join(folder, 'second'), TWO);
    await symlink('first', join(folder, '..data'));
    await symlink('..data', file);
    registry = await FileServerRegistry.open(file, { PATH_OF_TWO: 'sse' });
    registry.onApplicationBootstrap();
    const change = nextChange(registry);
    await symlink('second', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    expect(slugs(await change)).toEqual(['one', 'two']);
  });
});
