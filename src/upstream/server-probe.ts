import { AddressGuard } from '#lib/address-guard';
import { formatDuration } from '#lib/config';
import { GatewayError, type Clock } from '#lib/extension-kit';
import { GatewayCode, hideSecrets, result, type Outcome } from '#lib/mcp-protocol';
import { hideServerSecrets, type RestServer, type ServerDefinition, type StdioServer } from '../registry/index.js';
import type { UpstreamAdapters } from './adapters/index.js';
import { DefaultUpstreamConnector } from './connector/index.js';
import { COMMON_ACCOUNT, type CredentialSource } from './credentials/index.js';
import { FailureDetails } from './failure-details.js';
import { GATEWAY_CLIENT } from './gateway-identity.js';
import { isUnreachable, pingServer } from './ping-server.js';
import { probeRestServer, UnhealthyAnswer } from './rest-probe.js';
import type { UpstreamConnection } from './upstream-connection.js';
import type { UpstreamConfig } from './upstream.config.js';
import { UpstreamServices } from './upstream-services.js';

/** The result of a probe of a server. */
export type ProbeResult =
  | { readonly answered: true; readonly latencyMs: number }
  | {
      readonly answered: false;
      readonly latencyMs: number;
      readonly code: number;
      readonly reason: string;
      /** What operators need to mend it. Callers do not receive it. */
      readonly detail?: string;
    };

/** A server of any kind but a process of this worker. */
export type ProbedServer = Exclude<ServerDefinition, StdioServer>;

/** A server that answers a ping over a connection. */
type McpServer = Exclude<ProbedServer, RestServer>;

interface RunningProbe {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

interface KeptConnection {
  readonly server: McpServer;
  readonly connection: UpstreamConnection;
}

const NO_EVENTS = { notify: () => undefined, closed: () => undefined };
/** A failed check is an event of its own; the log of failures belongs to calls. */
const NO_LOG = { warn: () => undefined };

/**
 * Probes servers over connections of its own, one for each: the sessions and pools of clients are neither used nor delayed, and a
 * legacy server has one session for all probes.
 */
export class ServerProbe {
  private readonly kept = new Map<string, KeptConnection>();
  /** The last probe of each server, while it runs. Only this one may keep its connection. */
  private readonly current = new Map<string, RunningProbe>();
  private readonly details: FailureDetails;
  private readonly connector: DefaultUpstreamConnector;

  constructor(
    config: UpstreamConfig,
    private readonly clock: Clock,
    private readonly guard: AddressGuard = new AddressGuard(),
    private readonly source?: CredentialSource,
    adapters?: UpstreamAdapters,
  ) {
    this.details = new FailureDetails(clock, NO_LOG);
    const services = new UpstreamServices(config, clock, guard, this.details);
    this.connector = new DefaultUpstreamConnector(services, adapters?.isolated(services));
  }

  /** Probes a server. Rejects only because of a defect of the gateway. */
  async run(server: ProbedServer, timeoutMs: number): Promise<ProbeResult> {
    const startedAt = this.clock.monotonicNow();
    const signal = this.clock.timeoutSignal(timeoutMs);
    const late = untilAborted(signal).then(() => toTimeout(timeoutMs));
    const probe =
      server.transport === 'rest' ? this.probeRest(server, signal) : this.probeMcp(server, { signal, timeoutMs });
    const failure = await Promise.race([probe, late]);
    const latencyMs = Math.round(this.clock.monotonicNow() - startedAt);
    return failure === undefined
      ? { answered: true, latencyMs }
      : { answered: false, latencyMs, ...withoutSecrets(server, failure) };
  }

  /** Closes the connection to a server that this worker probes no more, also the one that a running probe still opens. */
  async forget(slug: string): Promise<void> {
    const isRunning = this.current.delete(slug);
    await this.discard(slug, isRunning);
  }

  async close(): Promise<void> {
    const connections = [...this.kept.values()];
    this.current.clear();
    this.kept.clear();
    await Promise.all(connections.map(({ connection }) => connection.close()));
    await this.connector.shutdown();
  }

  private async probeRest(server: RestServer, signal: AbortSignal): Promise<Failure | undefined> {
    try {
      const credentials = await this.source?.obtain(server, COMMON_ACCOUNT);
      await probeRestServer(credentials?.applyTo(server) ?? server, this.guard, signal);
      return undefined;
    } catch (cause) {
      if (cause instanceof GatewayError) return { code: cause.code, reason: cause.message };
      const text = hideSecrets(describeFault(cause));
      if (cause instanceof UnhealthyAnswer) return { code: GatewayCode.upstreamFailed, reason: text };
      return { code: GatewayCode.upstreamFailed, reason: 'The server could not be reached.', detail: text };
    }
  }

  private async probeMcp(server: McpServer, probe: RunningProbe): Promise<Failure | undefined> {
    const startedAt = this.clock.now();
    this.current.set(server.slug, probe);
    const outcome = await this.ping(server, probe).finally(() => this.ended(server, probe));
    if (!isUnreachable(outcome)) return undefined;
    const { code, message: reason } = outcome.error;
    const found = this.details.get(server.slug);
    return { code, reason, ...(found && found.at >= startedAt && { detail: found.detail }) };
  }

  private async ping(server: McpServer, probe: RunningProbe): Promise<Outcome> {
    try {
      const outcome = await this.pingKept(server, probe);
      // A kept connection may be at fault itself: only a new one shows whether the server can be reached.
      if (outcome && !isUnreachable(outcome)) return outcome;
      await this.open(server, probe);
      return result({});
    } catch (cause) {
      if (cause instanceof GatewayError) return cause.toOutcome();
      throw cause;
    }
  }

  /**
   * Returns undefined without a connection, or if it did not answer in half of the time: a lost connection must leave time for a new
   * one. A connection of an earlier definition has its address and credentials.
   */
  private async pingKept(server: McpServer, { signal, timeoutMs }: RunningProbe): Promise<Outcome | undefined> {
    const known = this.kept.get(server.slug);
    if (known?.server !== server || known.connection.closed) return undefined;
    const half = AbortSignal.any([signal, this.clock.timeoutSignal(timeoutMs / 2)]);
    return Promise.race([pingServer(known.connection, half), untilAborted(half)]);
  }

  /** The handshake, or the discovery that precedes a modern connection, is an answer. */
  private async open(server: McpServer, probe: RunningProbe): Promise<void> {
    // The end of a session over a lost connection must not delay the probe.
    if (this.isCurrent(server, probe)) this.discard(server.slug).catch(() => undefined);
    const credentials = await this.source?.obtain(server, COMMON_ACCOUNT);
    const attempt = { signal: probe.signal, credentials };
    const connection = await this.connector.open(server, GATEWAY_CLIENT, NO_EVENTS, attempt);
    if (this.isCurrent(server, probe)) this.kept.set(server.slug, { server, connection });
    else await connection.close();
  }

  private ended(server: McpServer, probe: RunningProbe): void {
    const { slug } = server;
    if (this.isCurrent(server, probe)) this.current.delete(slug);
    else if (!this.current.has(slug) && !this.kept.has(slug)) this.connector.evict(slug);
  }

  private isCurrent({ slug }: McpServer, probe: RunningProbe): boolean {
    return this.current.get(slug) === probe;
  }

  /** @param isOpening true if the probe that opens a connection still needs the channel, to end the session again */
  private async discard(slug: string, isOpening = false): Promise<void> {
    const { connection } = this.kept.get(slug) ?? {};
    this.kept.delete(slug);
    if (!isOpening) this.connector.evict(slug);
    await connection?.close();
  }
}

type Failure = Pick<Extract<ProbeResult, { answered: false }>, 'code' | 'reason' | 'detail'>;

/** A server may repeat in a refusal what it received. */
const withoutSecrets = (server: ProbedServer, { reason, detail, ...rest }: Failure): Failure => ({
  ...rest,
  reason: hideServerSecrets(server, reason),
  ...(detail !== undefined && { detail: hideServerSecrets(server, detail) }),
});

const toTimeout = (timeoutMs: number): Failure => ({
  code: GatewayCode.upstreamFailed,
  reason: `The server did not answer within ${formatDuration(timeoutMs)}.`,
});

const untilAborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));

/** An error about several addresses has no message itself. */
function describeFault(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(describeFault).join(', ');
  return cause instanceof Error ? cause.message : String(cause);
}
