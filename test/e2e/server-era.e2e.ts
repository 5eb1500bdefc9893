import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENTS } from '../matrix/clients.js';
import { WORKERS, type RunningWorkers } from '../matrix/workers.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { DEFAULT_ANSWERS, textOf, type ConnectOptions, type SdkClient } from '../support/sdk-client.js';

const LEGACY_CLIENTS = CLIENTS.filter(({ era }) => era === 'legacy');
const MODERN_CLIENTS = CLIENTS.filter(({ era }) => era === 'modern');
const ERAS = ['auto', 'legacy', 'modern'] as const;
type EntryEra = (typeof ERAS)[number];

describe.each(WORKERS)('a server of both eras over $name', (kind) => {
  const clients: SdkClient[] = [];
  let servers: Record<EntryEra, CountingServer>;
  let workers: RunningWorkers;

  beforeAll(async () => {
    const both = () => startCountingServer({ era: 'both', transport: 'http' });
    servers = { auto: await both(), legacy: await both(), modern: await both() };
    const entries = ERAS.map((era) => [era, { ...servers[era].definition, era }]);
    workers = await kind.start({ servers: Object.fromEntries(entries) });
  });

  afterAll(async () => {
    for (const client of clients) await client.close();
    await workers.close();
    for (const server of Object.values(servers)) await server.close();
  });

  async function connect(client: (typeof CLIENTS)[number], era: EntryEra, answers: ConnectOptions['answers'] = {}) {
    const url = `${workers.url}/servers/${era}/${client.path}`;
    const connected = await client.connect({ url, token: await workers.token(), answers });
    clients.push(connected);
    return connected;
  }

  /** The URLs that the client was sent to by questions during the call, and its answer or error. */
  async function requireConsent(client: (typeof CLIENTS)[number], era: EntryEra) {
    const visited: unknown[] = [];
    const connected = await connect(client, era, {
      elicit(params) {
        visited.push(params['url']);
        return DEFAULT_ANSWERS.elicit(params);
      },
    });
    const id = randomUUID();
    const outcome = await connected.call('require_url', { id }).then(textOf, (error: unknown) => error);
    return { visited, outcome, id, url: `https://example.com/consent/${id}` };
  }

  async function listedExecution(client: (typeof CLIENTS)[number], era: EntryEra) {
    const tools = await (await connect(client, era)).list('tools');
    return tools.find(({ name }) => name === 'hold')?.['execution'];
  }

  describe.each(LEGACY_CLIENTS)('$name', (client) => {
    it.each(['auto', 'legacy'] as const)('receives the error -32042 of a server with era: %s', async (era) => {
      const { visited, outcome, url } = await requireConsent(client, era);
      expect(outcome).toMatchObject({ code: -32_042, data: { elicitations: [{ mode: 'url', url }] } });
      expect(visited).toEqual([]);
    });

    it.each(['auto', 'legacy'] as const)('receives `execution` of tools of a server with era: %s', async (era) => {
      expect(await listedExecution(client, era)).toEqual({ taskSupport: 'forbidden' });
    });

    it.each(['auto', 'legacy'] as const)('sets the log level of a server with era: %s', async (era) => {
      const connected = await connect(client, era);
      const before = servers[era].requests.count('logging/setLevel');
      await connected.setLogLevel('critical');
      await connected.call('log_at_levels');
      const logged = connected.received.of('notifications/message').map(({ level }) => level);
      expect(logged).toEqual(['critical', 'alert', 'emergency']);
      expect(servers[era].requests.count('logging/setLevel')).toBe(before + 1);
    });

    it('is served in the modern era by a server with era: modern', async () => {
      const { visited, outcome, id, url } = await requireConsent(client, 'modern');
      expect(outcome).toBe(`consent ${id} given`);
      expect(visited).toEqual([url]);
      expect(await listedExecution(client, 'modern')).toBeUndefined();
    });
  });

  describe.each(MODERN_CLIENTS)('$name', (client) => {
    it.each(ERAS)('is asked to visit a URL by a server with era: %s', async (era) => {
      const { visited, outcome, id, url } = await requireConsent(client, era);
      expect(outcome).toBe(`consent ${id} given`);
      expect(visited).toEqual([url]);
    });
  });

  it('receives no discovery with era: legacy and no handshake with era: modern', () => {
    expect(servers.legacy.requests.count('server/discover')).toBe(0);
    expect(servers.modern.requests.count('initialize')).toBe(0);
  });
});
