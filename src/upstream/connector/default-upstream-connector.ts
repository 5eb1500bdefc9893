import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { AdaptedServer, UpstreamAdapter } from '#lib/extension-kit';
import { cleanDetail, type ClientProfile, type Era } from '#lib/mcp-protocol';
import { withDeadline } from '#lib/time';
import { hideServerSecrets, kindOf, type ServerDefinition } from '../../registry/index.js';
import { OwnAdapter, UpstreamAdapters, type OwnAttempt } from '../adapters/index.js';
import { ContributedServers, describe } from '../contributed/index.js';
import type { ServerCredentials } from '../credentials/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream-connection.js';
import { UpstreamConnector, type ConnectionAttempt } from '../upstream-connector.js';
import { UpstreamServices } from '../upstream-services.js';
import type { UpstreamSessionState } from '../upstream-session-state.js';
import { notLoaded, toNotExecuted, toOutcomeError } from '../upstream.errors.js';
import { resolveAddress } from './resolve-address.js';

/** Opens connections to servers of every kind, through the adapter of the kind. */
@Injectable()
export class DefaultUpstreamConnector extends UpstreamConnector implements OnApplicationShutdown {
  private readonly contributed: ContributedServers;

  constructor(
    private readonly services: UpstreamServices,
    private readonly adapters: UpstreamAdapters = UpstreamAdapters.own(services),
  ) {
    super();
    this.contributed = new ContributedServers(services);
  }

  override get profileLookups(): { readonly hits: number; readonly misses: number } {
    return this.services.profileLookups;
  }

  override get childProcesses(): number {
    return this.adapters.childProcesses;
  }

  override async resolveEra(server: ServerDefinition, client: ClientProfile, attempt: ConnectionAttempt): Promise<Era> {
    try {
      const adapter = this.requireAdapter(server);
      const forAdapter = this.toAttempt(server, client, NO_EVENTS, attempt);
      if (adapter instanceof OwnAdapter) return await adapter.resolveEra(toAdapted(server), forAdapter);
      return await this.contributed.resolveEra(adapter, server, forAdapter);
    } catch (error) {
      throw toNotExecuted(error, hiderOf(server, attempt.credentials));
    }
  }

  override async open(
    server: ServerDefinition,
    client: ClientProfile,
    events: ConnectionEvents,
    attempt: ConnectionAttempt,
  ): Promise<UpstreamConnection> {
    try {
      const adapter = this.requireAdapter(server);
      const forAdapter = this.toAttempt(server, client, events, attempt);
      if (adapter instanceof OwnAdapter) return await adapter.connect(toAdapted(server), forAdapter);
      return await this.contributed.connect(adapter, server, forAdapter);
    } catch (error) {
      throw toNotExecuted(error, hiderOf(server, attempt.credentials));
    }
  }

  override adoptSession(
    server: ServerDefinition,
    client: ClientProfile,
    state: UpstreamSessionState,
    events: ConnectionEvents,
    credentials?: ServerCredentials,
  ): UpstreamConnection | undefined {
    const adapter = this.adapters.find(kindOf(server));
    if (!(adapter instanceof OwnAdapter)) return undefined;
    return adapter.adoptSession(
      toAdapted(server),
      this.toAttempt(server, client, events, { signal: NEVER, credentials }),
      state,
    );
  }

  /** An adapter that fails does not keep the others from it. */
  override evict(slug: string): void {
    for (const adapter of this.adapters.owned) {
      try {
        adapter.evict(slug);
      } catch (cause) {
        logFailure(adapter, cause);
      }
    }
  }

  override async shutdown(): Promise<void> {
    await Promise.all(this.adapters.owned.map((adapter) => this.shutDown(adapter)));
    this.contributed.shutdown();
  }

  /** An adapter of an extension may fail or hang, which must not keep the worker from stopping. */
  private async shutDown(adapter: UpstreamAdapter<never>): Promise<void> {
    if (adapter instanceof OwnAdapter) return adapter.shutdown();
    const ending = (async () => adapter.shutdown())();
    try {
      await withDeadline(this.services.clock, SHUTDOWN_TIMEOUT_MS, ending, () => {
        throw new Error(`it did not shut down within ${SHUTDOWN_TIMEOUT_MS} ms`);
      });
    } catch (cause) {
      logFailure(adapter, cause);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.shutdown();
  }

  private requireAdapter(server: ServerDefinition) {
    const adapter = this.adapters.find(kindOf(server));
    if (adapter === undefined) throw toOutcomeError(notLoaded(server.slug, kindOf(server)));
    return adapter;
  }

  private toAttempt(
    server: ServerDefinition,
    client: ClientProfile,
    events: ConnectionEvents,
    attempt: ConnectionAttempt,
  ): OwnAttempt {
    const { clock, guard } = this.services;
    const allowed = server.guarded === true ? guard : undefined;
    return { ...attempt, client, events, clock, resolveAddress: (host) => resolveAddress(host, allowed) };
  }
}

/** Maximum duration of the shutdown of an adapter of an extension, in milliseconds. */
const SHUTDOWN_TIMEOUT_MS = 5_000;

const logger = new Logger('UpstreamConnector');

const logFailure = (adapter: UpstreamAdapter<never>, cause: unknown): void =>
  logger.warn(`${adapter.constructor.name} has failed: ${cleanDetail(describe(cause))}.`);

const NEVER = new AbortController().signal;

const NO_EVENTS: ConnectionEvents = { notify: () => undefined, closed: () => undefined };

const hiderOf =
  (server: ServerDefinition, credentials: ServerCredentials | undefined) =>
  (text: string): string =>
    hideServerSecrets(credentials?.applyTo(server) ?? server, text);

/** An adapter of the gateway itself gets the definition as the entry. */
const toAdapted = (server: ServerDefinition): AdaptedServer<ServerDefinition> => ({
  slug: server.slug,
  ...(server.title !== undefined && { title: server.title }),
  entry: server,
  timeouts: server.timeouts,
});
