import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { ConfigModule, loadConfig, LoadedConfig } from '#lib/config';
import { ClockModule } from '#lib/time';
import { DataFolderConfig } from '../data-folder/index.js';
import { ConfigurationFile, RegistryConfig, RegistryModule, ServerRegistry } from './index.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-registry-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function start(variables: Record<string, string> = {}) {
  const all = { ISTHMUS_DATA_DIR: join(folder, 'data'), ...variables };
  const loaded = new LoadedConfig(loadConfig([DataFolderConfig, RegistryConfig], all, { ignoreUnknown: true }), all);
  const imports = [ConfigModule.forRoot(loaded), ClockModule, RegistryModule];
  const module = await Test.createTestingModule({ imports }).compile();
  return { registry: module.get(ServerRegistry), file: module.get(ConfigurationFile).file };
}

describe('RegistryModule', () => {
  it('creates a commented sample file with one server at the first start', async () => {
    const { registry, file } = await start();
    expect(file).toBe(join(folder, 'data', 'isthmus.yaml'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain('# virtualServers:');
    const { servers } = registry.snapshot;
    expect(servers).toHaveLength(1);
    expect(servers[0]).toMatchObject({
      slug: 'sample',
      transport: 'stdio',
      command: process.execPath,
      isolation: 'none',
    });
    expect(servers[0]).toMatchObject({ args: [expect.stringMatching(/\/dist\/src\/sample-server\/main\.js$/)] });
  });

  it('does not overwrite an existing configuration file', async () => {
    const { file } = await start();
    await writeFile(file, 'servers: {}');
    expect((await start()).registry.snapshot.servers).toEqual([]);
  });

  it('reads the file of ISTHMUS_CONFIG and expands environment variables in it', async () => {
    const file = join(folder, 'mine.json');
    await writeFile(file, '{"servers": {"mine": {"transport": "http", "url": "${URL}"}}}');
    const { registry } = await start({ ISTHMUS_CONFIG: file, URL: 'http://mine/' });
    expect(registry.snapshot.servers).toEqual([expect.objectContaining({ slug: 'mine', url: 'http://mine/' })]);
  });

  it('does not start when the file of ISTHMUS_CONFIG does not exist', async () => {
    await expect(start({ ISTHMUS_CONFIG: join(folder, 'none.yaml') })).rejects.toThrow(
      /fault in .*none\.yaml:.*cannot be read/s,
    );
  });

  it('creates a sample file whose commented examples are valid', async () => {
    const { file } = await start();
    const sample = await readFile(file, 'utf8');
    await writeFile(
      file,
      sample.replace(
        /^( *)# (?=(?: *)(?:weather|transport|url|headers|Authorization|timeouts|virtualServers|office|title|servers|tools):)/gm,
        '$1',
      ),
    );
    const { registry } = await start({ WEATHER_TOKEN: 'x' });
    expect(registry.snapshot.servers.map(({ slug }) => slug)).toEqual(['sample', 'weather']);
    expect(registry.snapshot.virtualServers).toEqual([
      expect.objectContaining({ slug: 'office', servers: ['sample', 'weather'] }),
    ]);
  });
});
