/** Clients with open streams join and leave a team while the gateway runs. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENTS } from '../matrix/clients.js';
import { startCountingServer, type CountingServer } from './counting-server.js';
import type { GatewaySetup } from './gateway.js';
import type { SdkClient } from './sdk-client.js';
import { until } from './until.js';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';
const WATCHED = 'test://watched-resource';
const ERAS = ['legacy', 'modern'] as const;

/** Running gateways and the address of their balancer, if there are several. */
export interface TeamWorld {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  token(order: { readonly subject: string }): Promise<string>;
  /** Replaces the configuration of all gateways. */
  configure(setup: Omit<GatewaySetup, 'env'>): Promise<unknown>;
  close(): Promise<void>;
}

/** Defines the tests: every client that has streams, with servers of both eras. */
export function describeTeamChanges(start: (setup: GatewaySetup) => Promise<TeamWorld>): void {
  const servers = {} as Record<(typeof ERAS)[number], CountingServer>;
  const clients: SdkClient[] = [];
  let open: CountingServer;
  let world: TeamWorld;

  const configurationWith = (members: readonly string[]) => ({
    servers: {
      open: open.definition,
      ...Object.fromEntries(ERAS.map((era) => [era, { ...servers[era].definition, team: 'ops' }])),
    },
    teams: { ops: { members } },
  });

  beforeAll(async () => {
    open = await startCountingServer({ era: 'modern', transport: 'http' });
    for (const era of ERAS) servers[era] = await startCountingServer({ era, transport: 'http' });
    world = await start(configurationWith(['nobody']));
  });

  afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

  afterAll(async () => {
    await world?.close();
    await Promise.all([open, ...ERAS.map((era) => servers[era])].map((server) => server?.close()));
  });

  /** Adds a subject to the team, or removes everybody from it. Resolves once a new request confirms it. */
  async function setMembers(client: SdkClient, members: readonly string[]): Promise<void> {
    await world.configure(configurationWith(members));
    const isMember = members.length > 1;
    await until(async () => (await client.list('tools')).some(({ name }) => name === 'legacy__echo') === isMember);
  }

  const touch = (server: CountingServer) => async () => server.server.world.touch(WATCHED);
  const updatesOf = (client: SdkClient, uri: string) =>
    client.received.of(UPDATED).filter((params) => params['uri'] === uri).length;

  describe.each(CLIENTS)('$name', (kind) => {
    async function connect(): Promise<SdkClient> {
      const client = await kind.connect({
        url: `${world.url}/${kind.path}`,
        token: await world.token({ subject: kind.name }),
      });
      clients.push(client);
      await client.watch({ lists: true });
      await client.watch({ uri: `open+${WATCHED}` });
      await client.received.untilReceivedAfter(touch(open), UPDATED);
      return client;
    }

    it('is notified of its new tools and of resources that it then subscribes to, after it joined a team', async () => {
      const client = await connect();
      const before = client.received.of(TOOLS_CHANGED).length;
      await setMembers(client, ['nobody', kind.name]);
      expect((await client.received.until(TOOLS_CHANGED, before + 1)).length).toBeGreaterThan(before);
      for (const era of ERAS) {
        const uri = `${era}+${WATCHED}`;
        await client.watch({ uri });
        const seen = updatesOf(client, uri);
        await until(async () => {
          await touch(servers[era])();
          return updatesOf(client, uri) > seen;
        });
      }
      await setMembers(client, ['nobody']);
    });

    it('is notified that its tools changed, and of no resource of the team any more, after it left a team', async () => {
      const client = await connect();
      await setMembers(client, ['nobody', kind.name]);
      const uris = ERAS.map((era) => `${era}+${WATCHED}`);
      for (const [index, era] of ERAS.entries()) {
        await client.watch({ uri: uris[index]! });
        await until(async () => {
          await touch(servers[era])();
          return updatesOf(client, uris[index]!) > 0;
        });
      }
      const before = client.received.of(TOOLS_CHANGED).length;
      await setMembers(client, ['nobody']);
      await client.received.until(TOOLS_CHANGED, before + 1);
      const seen = uris.map((uri) => updatesOf(client, uri));
      for (const era of ERAS) await touch(servers[era])();
      await client.received.untilReceivedAfter(touch(open), UPDATED);
      expect(uris.map((uri) => updatesOf(client, uri))).toEqual(seen);
    });
  });
}
