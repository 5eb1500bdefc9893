import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  behavioursOf,
  CARRIERS,
  hostileCommand,
  startHostileServer,
  stdioRuns,
  type Behaviour,
  type Carrier,
  type HostileServer,
} from '#lib/testing/hostile-server';
import { scaledDuration } from '#lib/testing/machine-speed';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport, type RawClient } from '#lib/testing/raw-client';
import { startGateway, type TestGateway } from './gateway.js';

export const UPSTREAM_SECRET = 'Bearer upstream-secret';

/** Ways to one carrier that differ in what a test needs of them. */
const PATIENT = { request: scaledDuration(20_000) };
/** Long enough for a call to be sent, with all that are sent at the same moment. */
const HASTY = { request: scaledDuration(1_000) };

export const hasty = (carrier: Carrier): string => `${carrier}-hasty`;

/**
 * A server of its own for a call that ends its upstream: the next one to the same server would meet the back-off of
 * a child process that just died.
 */
export const doomed = (carrier: Carrier, behaviour: Behaviour, transport: ClientTransport): string =>
  isStdio(carrier) ? `${carrier}-${endings(carrier).indexOf(behaviour)}-${transport}` : carrier;

const isStdio = (carrier: Carrier): carrier is 'stdio-legacy' | 'stdio-modern' => carrier.startsWith('stdio');

export const endings = (carrier: Carrier): Behaviour[] =>
  behavioursOf(carrier).filter((behaviour) => behaviour.ends?.includes(carrier));

export const waitings = (carrier: Carrier): Behaviour[] =>
  behavioursOf(carrier).filter((behaviour) => behaviour.waits?.includes(carrier));

export const steadies = (carrier: Carrier): Behaviour[] => {
  const special = new Set([...endings(carrier), ...waitings(carrier)]);
  return behavioursOf(carrier).filter((behaviour) => !special.has(behaviour));
};

/** One gateway before one hostile server of each kind, and clients that come and go. */
export class HostileWorld {
  private readonly clients: RawClient[] = [];
  private readonly tokens = new Map<ClientTransport, string>();

  private constructor(
    readonly gateway: TestGateway,
    readonly servers: ReadonlyMap<Carrier, HostileServer>,
    private readonly folder: string,
  ) {}

  static async start(): Promise<HostileWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'hostile-world-'));
    const servers = new Map<Carrier, HostileServer>([
      ['legacy-http', await startHostileServer({ era: 'legacy', transport: 'http' })],
      ['modern-http', await startHostileServer({ era: 'modern', transport: 'http' })],
      ['sse', await startHostileServer({ era: 'legacy', transport: 'sse' })],
    ]);
    const definitions = CARRIERS.flatMap((carrier) => definitionsOf(carrier, servers.get(carrier), folder));
    const gateway = await startGateway({
      servers: Object.fromEntries(definitions),
      env: { ISTHMUS_UPSTREAM_MAX_MESSAGE: '1MiB' },
    });
    return new HostileWorld(gateway, servers, folder);
  }

  /** Each transport calls under a name of its own, so that no two share an upstream session. */
  async client(transport: ClientTransport, slug?: string): Promise<RawClient> {
    const known = this.tokens.get(transport);
    const token = known ?? (await this.gateway.token({ subject: `${transport}@example.com` }));
    this.tokens.set(transport, token);
    const base = slug === undefined ? this.gateway.url : `${this.gateway.url}/servers/${slug}`;
    const client = rawClient(transport, base, { token });
    this.clients.push(client);
    await client.connect();
    return client;
  }

  get tokensInUse(): string[] {
    return [...this.tokens.values()];
  }

  get surplus(): JsonObject[] {
    return this.clients.flatMap(({ surplus }) => surplus);
  }

  /** How often the call with this mark reached the carrier's tool. */
  runs(carrier: Carrier, mark: string): number {
    const server = this.servers.get(carrier);
    return server === undefined ? stdioRuns(join(this.folder, carrier), mark) : server.counters.runs(mark);
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    await this.gateway.close();
    await Promise.all([...this.servers.values()].map((server) => server.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function definitionsOf(carrier: Carrier, server: HostileServer | undefined, folder: string): [string, JsonObject][] {
  if (server !== undefined) {
    const headers = { authorization: UPSTREAM_SECRET };
    const definition = { transport: carrier === 'sse' ? 'sse' : 'http', url: server.url, headers };
    return [
      [carrier, { ...definition, timeouts: PATIENT }],
      [hasty(carrier), { ...definition, timeouts: HASTY }],
    ];
  }
  const { command, args, env } = hostileCommand(
    carrier === 'stdio-modern' ? 'modern' : 'legacy',
    join(folder, carrier),
  );
  const definition = { transport: 'stdio', command, args, env };
  const victims = endings(carrier).flatMap((behaviour) =>
    CLIENT_TRANSPORTS.map((transport) => doomed(carrier, behaviour, transport)),
  );
  return [
    [carrier, { ...definition, timeouts: PATIENT }],
    [hasty(carrier), { ...definition, timeouts: HASTY }],
    ...victims.map((slug): [string, JsonObject] => [slug, { ...definition, timeouts: PATIENT }]),
  ];
}
