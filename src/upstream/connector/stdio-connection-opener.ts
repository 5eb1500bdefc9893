import { Logger } from '@nestjs/common';
import { outcomeOfFault } from '#lib/mcp-protocol';
import type { StdioServer } from '../../registry/index.js';
import { BoundedLog } from '../channels/bounded-log.js';
import { ChildPipe, RestartGuard, type ChildPipeOptions } from '../channels/stdio/index.js';
import { openOverPipe, type ConnectionOptions } from '../dialects/legacy/index.js';
import { discoverOverPipe, ModernPipeConnection, probeOverPipe, type PipeDiscovery } from '../dialects/modern/index.js';
import type { EraCache, KnownEra } from '../era-cache/index.js';
import type { ServerProfile, UpstreamConnection } from '../upstream-connection.js';
import { withServer, restartPending, toOutcomeError } from '../upstream.errors.js';
import type { UpstreamConfig } from '../upstream.config.js';
import { SingleFlight, withAbort } from './single-flight.js';

/** How long a process that a probe started stays available for the next opening, in milliseconds. */
const IDLE_PROCESS_TIMEOUT_MS = 10_000;

interface IdleProcess {
  readonly pipe: ChildPipe;
  readonly definition: StdioServer;
  readonly timer: NodeJS.Timeout;
}

/** Starts child processes, finds out which era they are of, and ends them all. */
export class StdioConnectionOpener {
  private readonly logger = new Logger('Upstream');
  private readonly probes = new SingleFlight<KnownEra>();
  private readonly restartGuard = new RestartGuard();
  private readonly pipes = new Set<ChildPipe>();
  private readonly idleProcesses = new Map<string, IdleProcess>();
  private readonly killAll = (): void => this.pipes.forEach((pipe) => pipe.kill());
  private isShutDown = false;

  constructor(
    private readonly eraCache: EraCache,
    private readonly config: UpstreamConfig,
  ) {
    process.on('exit', this.killAll);
  }

  /**
   * Resolves the era from the cache, or by a probe whose process stays available for the next opening. Rejects with an
   * OutcomeError.
   */
  async resolveEra(server: StdioServer, opening: ConnectionOptions, signal: AbortSignal): Promise<KnownEra> {
    const known = this.eraCache.find(server.slug);
    if (known !== undefined) return known;
    const probe = this.probes.run(server.slug, () => this.probeNewProcess(server, opening));
    return withAbort(probe, signal, () => cancelledError(server));
  }

  async open(server: StdioServer, opening: ConnectionOptions, signal: AbortSignal): Promise<UpstreamConnection> {
    const known = await this.resolveEra(server, opening, signal);
    const pipe = this.acquireIdle(server) ?? this.startProcess(server);
    if (known.era === 'legacy') return this.openLegacy(server, pipe, opening, signal);
    const found = await discoverOverPipe(pipe, opening.context, opening.context.connectMs, signal);
    if (found.kind === 'modern') return this.createModernConnection(pipe, found.profile, opening);
    // It is not what it was: met anew the next time.
    this.eraCache.evict(server.slug);
    void pipe.close();
    throw this.toError(found, server);
  }

  evict(slug: string): void {
    this.restartGuard.reset(slug);
    this.evictIdle(slug);
  }

  /** Resolves when no process is running any more. */
  async shutdown(): Promise<void> {
    this.isShutDown = true;
    for (const slug of this.idleProcesses.keys()) this.evictIdle(slug);
    await Promise.all([...this.pipes].map((pipe) => pipe.close()));
    process.off('exit', this.killAll);
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
      this.eraCache.evict(server.slug);
      throw error;
    }
  }

  private createModernConnection(
    pipe: ChildPipe,
    profile: ServerProfile,
    opening: ConnectionOptions,
  ): UpstreamConnection {
    return new ModernPipeConnection(pipe, profile, opening.context, opening.events);
  }

  private async probeNewProcess(server: StdioServer, opening: ConnectionOptions): Promise<KnownEra> {
    const pipe = this.startProcess(server);
    const { connectMs } = server.timeouts;
    const patience = { silentMs: Math.min(this.config.probeMs, connectMs), startMs: connectMs };
    const found = await probeOverPipe(pipe, opening.context, patience);
    if (found.kind === 'failed' || found.kind === 'cancelled') {
      void pipe.close();
      throw this.toError(found, server);
    }
    if (found.kind === 'ended') return this.handleExitDuringProbe(server, pipe, found.reason);
    this.storeIdle(server, pipe);
    return this.storeEra(server, found.kind === 'modern' ? { era: 'modern', profile: found.profile } : LEGACY);
  }

  /**
   * A process that exited during the probe either cannot run, or is a legacy server that tolerates no message before
   * the handshake. The handshake in a new process shows which.
   */
  private handleExitDuringProbe(server: StdioServer, pipe: ChildPipe, reason: string): KnownEra {
    if (!pipe.wasStarted) throw toOutcomeError(withServer(outcomeOfFault('refused', reason), server.slug));
    this.restartGuard.reset(server.slug);
    return this.storeEra(server, LEGACY);
  }

  private storeEra(server: StdioServer, known: KnownEra): KnownEra {
    this.eraCache.store(server.slug, known);
    return known;
  }

  private toError(found: PipeDiscovery, server: StdioServer): Error {
    if (found.kind === 'failed') return toOutcomeError(found.outcome);
    const reason = found.kind === 'ended' ? found.reason : 'the server speaks another revision now';
    return found.kind === 'cancelled'
      ? cancelledError(server)
      : toOutcomeError(withServer(outcomeOfFault('refused', reason), server.slug));
  }

  private startProcess(server: StdioServer): ChildPipe {
    const waitMs = this.restartGuard.remainingMs(server.slug);
    if (waitMs > 0) throw toOutcomeError(restartPending(server.slug, waitMs));
    if (this.isShutDown)
      throw toOutcomeError(withServer(outcomeOfFault('refused', 'the gateway is shutting down'), server.slug));
    const pipe = this.spawn(server, {
      maxLineBytes: this.config.maxMessageBytes,
      stderr: new BoundedLog(this.logger, `${server.slug}: `),
      invalidOutput: new BoundedLog(this.logger, `${server.slug}: dropped what is no message: `),
      onExit: (gone, wanted) => {
        this.pipes.delete(gone);
        if (!wanted) this.restartGuard.recordExit(server.slug, gone.startedAt);
      },
    });
    this.pipes.add(pipe);
    return pipe;
  }

  private spawn(server: StdioServer, options: ChildPipeOptions): ChildPipe {
    try {
      return new ChildPipe(server, options);
    } catch {
      // The operating system rejects the command, an argument or the folder as invalid.
      throw toOutcomeError(withServer(outcomeOfFault('refused', 'the command is not valid'), server.slug));
    }
  }

  private storeIdle(server: StdioServer, pipe: ChildPipe): void {
    this.evictIdle(server.slug);
    const timer = setTimeout(() => this.evictIdle(server.slug), IDLE_PROCESS_TIMEOUT_MS).unref();
    this.idleProcesses.set(server.slug, { pipe, definition: server, timer });
  }

  private acquireIdle(server: StdioServer): ChildPipe | undefined {
    const spare = this.idleProcesses.get(server.slug);
    if (spare === undefined) return undefined;
    if (spare.pipe.hasEnded || spare.definition !== server) {
      this.evictIdle(server.slug);
      return undefined;
    }
    this.idleProcesses.delete(server.slug);
    clearTimeout(spare.timer);
    return spare.pipe;
  }

  private evictIdle(slug: string): void {
    const spare = this.idleProcesses.get(slug);
    this.idleProcesses.delete(slug);
    clearTimeout(spare?.timer);
    void spare?.pipe.close();
  }
}

const LEGACY: KnownEra = { era: 'legacy', sse: false };

const cancelledError = (server: StdioServer): Error =>
  toOutcomeError(withServer(outcomeOfFault('refused', 'cancelled'), server.slug));
