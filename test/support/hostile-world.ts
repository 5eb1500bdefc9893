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

/** Timeouts of the two definitions of each server. */
/** The endpoint of all servers starts their processes at once, which keeps a small machine busy. */
const LONG_TIMEOUT = { request: scaledDuration(20_000), connect: scaledDuration(60_000) };
/** Long enough for a call to be sent, with all that are sent at the same moment. */
const SHORT_TIMEOUT = { request: scaledDuration(1_000) };

export const shortTimeoutSlug = (carrier: Carrier): string => `${carrier}-hasty`;

/**
 * Slug of a separate server for a call that ends its upstream: the next call to the same server would hit the restart
 * back-off of the child process.
 */
export const disposableSlug = (carrier: Carrier, behaviour: Behaviour, transport: ClientTransport): string =>
  isStdio(carrier) ? `${carrier}-${sessionEndingBehaviours(carrier).indexOf(behaviour)}-${transport}` : carrier;

const isStdio = (carrier: Carrier): carrier is 'stdio-legacy' | 'stdio-modern' => carrier.startsWith('stdio');

export const sessionEndingBehaviours = (carrier: Carrier): Behaviour[] =>
  behavioursOf(carrier).filter((behaviour) => behaviour.endsSession?.includes(carrier));

export const timeoutBehaviours = (carrier: Carrier): Behaviour[] =>
  behavioursOf(carrier).filter((behaviour) => behaviour.untilTimeout?.includes(carrier));

export const immediateBehaviours = (carrier: Carrier): Behaviour[] => {
  const special = new Set([...sessionEndingBehaviours(carrier), ...timeoutBehaviours(carrier)]);
  return behavioursOf(carrier).filter((behaviour) => !special.has(behaviour));
};

/** One gateway with one hostile server of each kind, and clients. */
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
      // More than an answer with too many values, so that these are what the gateway rejects.
      env: { ISTHMUS_UPSTREAM_MAX_MESSAGE: '3MiB' },
    });
    return new HostileWorld(gateway, servers, folder);
  }

  /** Connects a client. Each transport has its own subject, so that no two share an upstream session. */
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

  /** Number of arrivals of the call with this mark at the carrier's server. */
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
      [carrier, { ...definition, timeouts: LONG_TIMEOUT }],
      [shortTimeoutSlug(carrier), { ...definition, timeouts: SHORT_TIMEOUT }],
    ];
  }
  const { command, args, env } = hostileCommand(
    carrier === 'stdio-modern' ? 'modern' : 'legacy',
    join(folder, carrier),
  );
  const definition = { transport: 'stdio', command, args, env };
  const victims = sessionEndingBehaviours(carrier).flatMap((behaviour) =>
    CLIENT_TRANSPORTS.map((transport) => disposableSlug(carrier, behaviour, transport)),
  );
  return [
    [carrier, { ...definition, timeouts: LONG_TIMEOUT }],
    [shortTimeoutSlug(carrier), { ...definition, timeouts: SHORT_TIMEOUT }],
    ...victims.map((slug): [string, JsonObject] => [slug, { ...definition, timeouts: LONG_TIMEOUT }]),
  ];
}
