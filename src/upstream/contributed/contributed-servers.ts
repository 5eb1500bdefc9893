import type { AdaptedServer, AdapterConnection, ConnectAttempt, UpstreamAdapter } from '#lib/extension-kit';
import { cleanDetail, toFaultOutcome, type Era, type McpNotification } from '#lib/mcp-protocol';
import type { ContributedServer, ServerDefinition } from '../../registry/index.js';
import { toCallContext, type OwnAttempt } from '../adapters/index.js';
import { Deadlines } from '../channels/deadlines.js';
import { readProfile } from '../server-profile.js';
import type { UpstreamServices } from '../upstream-services.js';
import { protocolViolation, toOutcomeError, withServer } from '../upstream.errors.js';
import { describe, toThrownOutcome } from './adapter-fault.js';
import { ContributedConnection } from './contributed-connection.js';

/** Opens connections through adapters of extensions, within the time to connect, and contains their failures. */
export class ContributedServers {
  private readonly deadlines: Deadlines;

  constructor(private readonly services: UpstreamServices) {
    this.deadlines = new Deadlines(services.clock);
  }

  async resolveEra(adapter: UpstreamAdapter, server: ServerDefinition, attempt: OwnAttempt): Promise<Era> {
    const bounded = this.toBounded(server, attempt, attempt.events);
    const era: unknown = await this.run(server, attempt, bounded, () =>
      adapter.resolveEra(toAdapted(server), bounded.attempt),
    );
    if (era === 'legacy' || era === 'modern') return era;
    throw toOutcomeError(protocolViolation(server.slug, 'its adapter returned no era'));
  }

  async connect(
    adapter: UpstreamAdapter,
    server: ServerDefinition,
    attempt: OwnAttempt,
  ): Promise<ContributedConnection> {
    const early = new EarlyEvents();
    const bounded = this.toBounded(server, attempt, early);
    const connecting = async () => adapter.connect(toAdapted(server), bounded.attempt);
    const connection: unknown = await this.run(server, attempt, bounded, connecting, (late) =>
      this.discard(server, attempt, late),
    );
    const profile = isConnection(connection) ? readProfile(connection.profile) : undefined;
    if (!isConnection(connection) || !profile) {
      this.discard(server, attempt, connection);
      throw toOutcomeError(protocolViolation(server.slug, 'its adapter returned no connection with a profile'));
    }
    const host = {
      client: attempt.client,
      context: toCallContext(server, this.services, this.deadlines, attempt.credentials),
      maxMessageBytes: this.services.config.maxMessageBytes,
      failed: (cause: unknown) => this.recordFailure(server, attempt, cause),
    };
    const opened = new ContributedConnection(connection, profile, host, attempt.events);
    early.attach(opened);
    return opened;
  }

  shutdown(): void {
    this.deadlines.clear();
  }

  private toBounded(server: ServerDefinition, attempt: OwnAttempt, events: ConnectAttempt['events']): BoundedAttempt {
    const { client, clock, budgetMs = server.timeouts.connectMs } = attempt;
    const control = new AbortController();
    const signal = AbortSignal.any([attempt.signal, control.signal]);
    const { credentials } = toAuthenticated(server, attempt);
    return {
      control,
      budgetMs,
      attempt: {
        client,
        events,
        clock,
        signal,
        ...(credentials && { callerCredentials: credentials }),
        resolveAddress: (host) => attempt.resolveAddress(host),
      },
    };
  }

  /** Runs a step of connecting until its time is over. `onLate` receives what it returns after that. */
  private async run<T>(
    server: ServerDefinition,
    own: OwnAttempt,
    { control, budgetMs, attempt: { signal } }: BoundedAttempt,
    step: () => T | Promise<T>,
    onLate: (value: T) => void = () => undefined,
  ): Promise<T> {
    const given = Promise.withResolvers<never>();
    const giveUp = () =>
      given.reject(toOutcomeError(withServer(toFaultOutcome('refused', 'cancelled'), { server: server.slug })));
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    const cancelTimeout = this.services.clock.after(budgetMs, () => {
      given.reject(toOutcomeError(withServer(toFaultOutcome('timeout'), { server: server.slug })));
      control.abort();
    });
    let isOver = false;
    const running = (async () => step())();
    running.then((value) => isOver && onLate(value)).catch(() => undefined);
    try {
      return await Promise.race([running, given.promise]);
    } catch (cause) {
      isOver = true;
      this.recordFailure(server, own, cause);
      throw toOutcomeError(withServer(toThrownOutcome(cause, 'refused'), { server: server.slug }));
    } finally {
      cancelTimeout();
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Closes what nobody waits for any more. */
  private discard(server: ServerDefinition, attempt: OwnAttempt, connection: unknown): void {
    if (!isConnection(connection)) return;
    void (async () => connection.close())().catch((cause: unknown) => this.recordFailure(server, attempt, cause));
  }

  /** An adapter may repeat the caller's credentials in its errors, so that these are hidden, too. */
  private recordFailure(server: ServerDefinition, attempt: OwnAttempt, cause: unknown): void {
    this.services.details.record(toAuthenticated(server, attempt), describe(cause));
  }
}

interface BoundedAttempt {
  readonly control: AbortController;
  /** Milliseconds. */
  readonly budgetMs: number;
  readonly attempt: ConnectAttempt;
}

/** What the adapter reports before its connection is in use is delivered then. */
class EarlyEvents implements Required<ConnectAttempt['events']> {
  private readonly notifications: McpNotification[] = [];
  private connection: ContributedConnection | undefined;
  private reason: string | undefined;

  attach(connection: ContributedConnection): void {
    this.connection = connection;
    for (const notification of this.notifications.splice(0)) connection.received(notification);
    if (this.reason !== undefined) connection.ended(this.reason);
  }

  notify(notification: McpNotification): void {
    if (this.connection) this.connection.received(notification);
    else if (this.notifications.length < MAX_EARLY_NOTIFICATIONS) this.notifications.push(notification);
  }

  question(...asked: Parameters<Required<ConnectAttempt['events']>['question']>) {
    return this.connection?.asked(...asked);
  }

  closed(reason: string): void {
    const cleaned = cleanDetail(describe(reason));
    if (this.connection) this.connection.ended(cleaned);
    else this.reason ??= cleaned;
  }
}

const MAX_EARLY_NOTIFICATIONS = 100;

function isConnection(value: unknown): value is AdapterConnection {
  if (typeof value !== 'object' || value === null) return false;
  const { request, close } = value as Record<string, unknown>;
  return typeof request === 'function' && typeof close === 'function';
}

/** The server with what an extension provides for the caller, which no text may repeat. */
function toAuthenticated(server: ServerDefinition, { credentials }: OwnAttempt): ContributedServer {
  return (credentials?.applyTo(server) ?? server) as ContributedServer;
}

const toAdapted = (server: ServerDefinition): AdaptedServer<object> => ({
  slug: server.slug,
  ...(server.title !== undefined && { title: server.title }),
  entry: server.transport === 'contributed' ? server.entry : server,
  timeouts: server.timeouts,
});
