import { Logger } from '@nestjs/common';
import { toFaultOutcome, type ClientProfile } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { StdioServer } from '../../registry/index.js';
import { BoundedLog } from '../channels/bounded-log.js';
import { ChildPipe, describeStartFailure, RestartGuard, type ChildPipeOptions } from '../channels/stdio/index.js';
import { initializeParams, openOverPipe, type ConnectionOptions } from '../dialects/legacy/index.js';
import { discoverOverPipe, ModernPipeConnection, probeOverPipe, type PipeDiscovery } from '../dialects/modern/index.js';
import type { EraCache, KnownEra } from '../era-cache/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import type { FailureDetails } from '../failure-details.js';
import { withServer, restartPending, toOutcomeError } from '../upstream.errors.js';
import { COMMON_ACCOUNT } from '../credentials/index.js';
import type { UpstreamConfig } from '../upstream.config.js';
import { SingleFlight, withAbort } from './single-flight.js';

/** How long a process that a probe started stays available for the next opening, in milliseconds. */
const IDLE_PROCESS_TIMEOUT_MS = 10_000;

/** A process that a probe started. It waits for the connection that is opened next. */
interface IdleProcess {
  readonly pipe: ChildPipe;
  readonly definition: StdioServer;
  /** The clients for which the probe started it. */
  readonly owner: string;
  /** The account of the credentials in its environment. */
  readonly account: string;
  readonly handshake: SentHandshake | undefined;
  readonly cancelTimeout: () => void;
}

/** A handshake that the probe sent, because discovery stayed unanswered. It binds the process to one client. */
interface SentHandshake {
  readonly id: number;
  readonly client: ClientProfile;
}

/** Starts child processes, finds out which era they are of, and ends them all. */
export class StdioConnectionOpener {
  private readonly logger = new Logger('Upstream');
  private readonly probes = new SingleFlight<KnownEra>();
  private readonly restartGuard: RestartGuard;
  private readonly pipes = new Set<ChildPipe>();
  private readonly idleProcesses = new Map<string, IdleProcess>();
  private readonly killAll = (): void => this.pipes.forEach((pipe) => pipe.kill());
  private isShutDown = false;

  constructor(
    private readonly eraCache: EraCache,
    private readonly config: UpstreamConfig,
    private readonly clock: Clock,
    private readonly details: FailureDetails,
  ) {
    this.restartGuard = new RestartGuard(clock);
    process.on('exit', this.killAll);
  }

  /** Number of processes that are running. */
  get processes(): number {
    return this.pipes.size;
  }

  /**
   * Resolves the era from the cache, or by a probe whose process stays available for the next opening. Rejects with an
   * OutcomeError.
   */
  async resolveEra(server: StdioServer, opening: ConnectionOptions, signal: AbortSignal): Promise<KnownEra> {
    const known = this.eraCache.find(server.slug);
    if (known !== undefined) return known;
    const probe = this.probes.run(`${server.slug} ${accountOf(opening)}`, () => this.probeNewProcess(server, opening));
    return withAbort(probe, signal, () => cancelledError(server));
  }

  async open(server: StdioServer, opening: ConnectionOptions, signal: AbortSignal): Promise<UpstreamConnection> {
    const known = await this.resolveEra(server, opening, signal);
    if (known.era === 'modern') return this.openModern(server, opening, signal);
    const idle = this.acquireIdle(
      server,
      opening,
      ({ handshake }) => !handshake || isSameClient(handshake.client, opening.client),
    );
    if (!idle?.handshake)
      return this.openLegacy(server, idle?.pipe ?? this.startProcess(server, opening), opening, signal);
    const connection = await this.completeHandshake(idle.pipe, idle.handshake.id, opening, signal);
    return connection ?? this.openLegacy(server, this.startProcess(server, opening), opening, signal);
  }

  /** Opens a connection in the legacy era over a new process: an earlier probe may bind a process to the modern era. */
  async openNewLegacy(
    server: StdioServer,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    try {
      return await openOverPipe(this.startProcess(server, opening), opening, signal);
    } catch (error) {
      // The handshake may have ended the process, which must not delay the next one.
      this.restartGuard.reset(server.slug, opening.owner);
      throw error;
    }
  }

  evict(slug: string): void {
    this.restartGuard.resetAll(slug);
    this.evictIdle(slug);
  }

  /** Resolves when no process is running any more. */
  async shutdown(): Promise<void> {
    this.isShutDown = true;
    for (const slug of this.idleProcesses.keys()) this.evictIdle(slug);
    await Promise.all([...this.pipes].map((pipe) => pipe.close()));
    process.off('exit', this.killAll);
  }

  private async openModern(
    server: StdioServer,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    const { context, events, deadline } = opening;
    const idle = this.acquireIdle(server, opening);
    const pipe = idle?.pipe ?? this.startProcess(server, opening);
    const found = await discoverOverPipe(pipe, context, deadline.leftMs(), signal);
    if (found.kind === 'modern') return new ModernPipeConnection(pipe, found.profile, context, events);
    const closed = pipe.close();
    if (idle?.handshake && (found.kind === 'legacy' || found.kind === 'ended')) {
      // The handshake of the probe bound this process to the legacy era, or ended it. The next process gets no handshake.
      await closed;
      this.restartGuard.reset(server.slug, opening.owner);
      return this.openModern(server, opening, signal);
    }
    // A timeout or a cancellation does not prove that the server has changed its era.
    if (found.kind !== 'silent' && found.kind !== 'cancelled') this.eraCache.evict(server.slug);
    throw this.toError(found, server);
  }

  private async openLegacy(
    server: StdioServer,
    pipe: ChildPipe,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    try {
      return await openOverPipe(pipe, opening, signal);
    } catch (error) {
      if (!pipe.hasExited && !signal.aborted)
        this.details.record(opening.credentials?.applyTo(server) ?? server, pipe.explain(NO_HANDSHAKE));
      this.eraCache.evict(server.slug);
      throw error;
    }
  }

  /** Undefined when the handshake of the probe failed. One without discovery before it may succeed in a new process. */
  private async completeHandshake(
    pipe: ChildPipe,
    handshakeId: number,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection | undefined> {
    try {
      return await openOverPipe(pipe, opening, signal, handshakeId);
    } catch (error) {
      if (signal.aborted) throw error;
      await pipe.close();
      this.restartGuard.reset(opening.context.server, opening.owner);
      return undefined;
    }
  }

  private async probeNewProcess(server: StdioServer, opening: ConnectionOptions): Promise<KnownEra> {
    const pipe = this.startProcess(server, opening);
    const { client, context, deadline, owner } = opening;
    const budgetMs = deadline.leftMs();
    // Discovery and the handshake share the time to connect; a short one leaves half of it to the handshake.
    const discoverMs = Math.min(this.config.probeMs, Math.ceil(budgetMs / 2));
    const timeouts = { discoverMs, startMs: Math.max(1, budgetMs - discoverMs) };
    const { found, handshakeId } = await probeOverPipe(pipe, context, timeouts, initializeParams(client));
    if (found.kind === 'failed' || found.kind === 'silent' || found.kind === 'cancelled') {
      if (found.kind === 'silent')
        this.details.record(opening.credentials?.applyTo(server) ?? server, pipe.explain(NO_ANSWER));
      void pipe.close();
      throw this.toError(found, server);
    }
    if (found.kind === 'ended') return this.handleExitDuringProbe(server, pipe, owner, found.reason);
    const handshake = handshakeId === undefined ? undefined : { id: handshakeId, client };
    this.storeIdle({ pipe, definition: server, owner, account: accountOf(opening), handshake });
    return this.storeEra(server, found.kind === 'modern' ? { era: 'modern', profile: found.profile } : LEGACY);
  }

  /**
   * A process that exited during the probe either cannot run, or is a legacy server that tolerates no message before
   * the handshake. The handshake in a new process shows which.
   */
  private handleExitDuringProbe(server: StdioServer, pipe: ChildPipe, owner: string, reason: string): KnownEra {
    if (!pipe.wasStarted) throw toOutcomeError(withServer(toFaultOutcome('refused', reason), { server: server.slug }));
    this.restartGuard.reset(server.slug, owner);
    return this.storeEra(server, LEGACY);
  }

  private storeEra(server: StdioServer, known: KnownEra): KnownEra {
    this.eraCache.store(server.slug, known);
    return known;
  }

  private toError(found: PipeDiscovery, server: StdioServer): Error {
    switch (found.kind) {
      case 'failed':
        return toOutcomeError(found.outcome);
      case 'cancelled':
        return cancelledError(server);
      case 'silent':
        return toOutcomeError(withServer(toFaultOutcome('timeout'), { server: server.slug }));
      case 'ended':
        return toOutcomeError(withServer(toFaultOutcome('refused', found.reason), { server: server.slug }));
      case 'modern':
      case 'legacy':
        return toOutcomeError(
          withServer(toFaultOutcome('refused', 'the server speaks another revision now'), { server: server.slug }),
        );
    }
  }

  private startProcess(server: StdioServer, { owner, credentials }: ConnectionOptions): ChildPipe {
    const authenticated = credentials?.applyTo(server) ?? server;
    const pending = this.restartGuard.pending(server.slug, owner);
    if (pending !== undefined) {
      this.details.confirm(server.slug);
      throw toOutcomeError(restartPending(server.slug, pending));
    }
    if (this.isShutDown)
      throw toOutcomeError(
        withServer(toFaultOutcome('refused', 'the gateway is shutting down'), { server: server.slug }),
      );
    const pipe = this.spawn(authenticated, {
      maxLineBytes: this.config.maxMessageBytes,
      stderr: new BoundedLog(this.logger, `${server.slug}: `, this.clock),
      invalidOutput: new BoundedLog(this.logger, `${server.slug}: dropped a line that is not a message: `, this.clock),
      onExit: (exited, wanted, reason) => {
        this.pipes.delete(exited);
        if (wanted) return;
        this.details.record(authenticated, exited.explain(reason));
        this.restartGuard.recordExit(server.slug, owner, exited.startedAt, reason);
      },
    });
    this.pipes.add(pipe);
    return pipe;
  }

  private spawn(server: StdioServer, options: ChildPipeOptions): ChildPipe {
    try {
      return new ChildPipe(server, options, this.clock);
    } catch (cause) {
      // The operating system rejects the command, an argument or the folder as invalid.
      this.details.record(server, describeStartFailure(server, cause));
      throw toOutcomeError(withServer(toFaultOutcome('refused', 'the command is not valid'), { server: server.slug }));
    }
  }

  private storeIdle(idle: Omit<IdleProcess, 'cancelTimeout'>): void {
    const { slug } = idle.definition;
    this.evictIdle(slug);
    const cancelTimeout = this.clock.after(IDLE_PROCESS_TIMEOUT_MS, () => this.evictIdle(slug));
    this.idleProcesses.set(slug, { ...idle, cancelTimeout });
  }

  private acquireIdle(
    server: StdioServer,
    opening: ConnectionOptions,
    isUsable: (idle: IdleProcess) => boolean = () => true,
  ): IdleProcess | undefined {
    const idle = this.idleProcesses.get(server.slug);
    if (idle === undefined) return undefined;
    if (idle.pipe.hasEnded || idle.definition !== server) {
      // The handshake of the probe may have ended it, so its end must not delay the next process.
      if (idle.handshake) this.restartGuard.reset(server.slug, idle.owner);
      this.evictIdle(server.slug);
      return undefined;
    }
    if (idle.account !== accountOf(opening) || !isUsable(idle)) return undefined;
    this.idleProcesses.delete(server.slug);
    idle.cancelTimeout();
    return idle;
  }

  private evictIdle(slug: string): void {
    const idle = this.idleProcesses.get(slug);
    this.idleProcesses.delete(slug);
    idle?.cancelTimeout();
    void idle?.pipe.close();
  }
}

const NO_ANSWER = 'the process did not answer in time';
const NO_HANDSHAKE = 'the process did not complete the handshake';

/** Processes with other credentials in their environment serve other callers. */
const accountOf = ({ credentials }: ConnectionOptions): string => credentials?.account ?? COMMON_ACCOUNT;

const LEGACY: KnownEra = { era: 'legacy', sse: false };

/** True when a legacy server is sent the same handshake for both. */
const isSameClient = (one: ClientProfile, other: ClientProfile): boolean =>
  JSON.stringify(initializeParams(one)) === JSON.stringify(initializeParams(other));

const cancelledError = (server: StdioServer): Error =>
  toOutcomeError(withServer(toFaultOutcome('refused', 'cancelled'), { server: server.slug }));
