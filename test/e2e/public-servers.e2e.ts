/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CLIENTS } from '../matrix/clients.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type ConnectOptions, type SdkClient } from '../support/sdk-client.js';
import { until } from '../support/until.js';

/** Public servers, started with the command of their README. `--no` prevents a download. */
const publicServer = (name: string, ...args: string[]) => ({
  transport: 'stdio',
  command: 'npx',
  args: ['--no', `@modelcontextprotocol/server-${name}`, ...args],
  cwd: process.cwd(),
});

/** One process serves all clients, to save time. */
const SHARED = { isolation: 'none' };

let gateway: TestGateway;
let folder: string;
let folders: { given: string; first: string; second: string };

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'isthmus-public-servers-')));
  const create = async (name: string) => {
    const path = await mkdtemp(join(folder, name));
    await writeFile(join(path, 'note.txt'), `the note of ${name}`);
    return path;
  };
  folders = { given: await create('given'), first: await create('first'), second: await create('second') };
  gateway = await startGateway({
    servers: {
      files: publicServer('filesystem', folders.given),
      memory: { ...publicServer('memory'), ...SHARED, env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') } },
      thinking: { ...publicServer('sequential-thinking'), ...SHARED },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

describe.each(CLIENTS)('$name against public servers', (kind) => {
  const clients: SdkClient[] = [];

  /** Each kind of client is a principal of its own, with its own processes. */
  const connect = async (slug: string, options: Partial<ConnectOptions> = {}) => {
    const token = await gateway.token({ subject: kind.name });
    const client = await kind.connect({ url: `${gateway.url}/servers/${slug}/${kind.path}`, token, ...options });
    clients.push(client);
    return client;
  };

  afterAll(async () => {
    for (const client of clients) await client.close();
  });

  it('reads files, within the folders that its roots name at the start and after a change', async () => {
    const roots = {
      first: { roots: [{ uri: pathToFileURL(folders.first).href }] },
      second: { roots: [{ uri: pathToFileURL(folders.second).href }] },
    };
    let current = roots.first;
    const client = await connect('files', { answers: { listRoots: () => current } });
    expect(client.serverName).toBe('secure-filesystem-server');
    const allowed = async () => textOf(await client.call('list_allowed_directories'));
    const readNote = async () => {
      const [, directory = ''] = /^Allowed directories:\n(.+)$/.exec(String(await allowed())) ?? [];
      return textOf(await client.call('read_text_file', { path: join(directory, 'note.txt') }));
    };
    // The server asks for roots when it starts. Of a client without a session it can ask only while one of its calls runs.
    if (kind.era === 'legacy') await until(async () => (await allowed()) === `Allowed directories:\n${folders.first}`);
    await until(async () => /^the note of (given|first)/.test(String(await readNote())));
    if (kind.era === 'modern') return;
    current = roots.second;
    await client.sendRootsListChanged();
    await until(async () => (await allowed()) === `Allowed directories:\n${folders.second}`);
    expect(await client.call('read_text_file', { path: join(folders.first, 'note.txt') })).toMatchObject({
      isError: true,
    });
  });

  it('stores and finds entities in a knowledge graph', async () => {
    const client = await connect('memory');
    const entity = { name: kind.name, entityType: 'client', observations: ['speaks through a gateway'] };
    await client.call('create_entities', { entities: [entity] });
    const found = await client.call('search_nodes', { query: kind.name });
    expect(found.structuredContent).toMatchObject({ entities: expect.arrayContaining([entity]) });
  });

  it('records a chain of thoughts', async () => {
    const client = await connect('thinking');
    const thought = { thought: 'first', nextThoughtNeeded: true, thoughtNumber: 1, totalThoughts: 2 };
    await client.call('sequentialthinking', thought);
    const answer = await client.call('sequentialthinking', { ...thought, nextThoughtNeeded: false, thoughtNumber: 2 });
    expect(answer.structuredContent).toMatchObject({ thoughtNumber: 2, thoughtHistoryLength: expect.any(Number) });
  });
});
