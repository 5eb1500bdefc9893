import { Logger } from '@nestjs/common';
import { outcomeOfFault } from '#lib/mcp-protocol';
import type { StdioServer } from '../../registry/index.js';
import { BoundedLog } from '../channels/bounded-log.js';
import { ChildPipe, RestartGuard, type ChildPipeOptions } from '../channels/stdio/index.js';
import { openOverPipe, type LegacyOpening } from '../dialects/legacy/index.js';
import { discoverOverPipe, ModernPipeConnection, probeOverPipe, type PipeDiscovery } from '../dialects/modern/index.js';
import type { EraMemory, KnownEra } from '../era-memory/index.js';
import type { ServerProfile, UpstreamConnection } from '../upstream-connection.js';
import { named, restartPending, thrown } from '../upstream.errors.js';
import type { UpstreamConfig } from '../upstream.config.js';
import { SingleFlight, until } from './single-flight.js';

/** How long a process that was started for a probe waits for somebody who needs it, in milliseconds. */
const SPARE_MS = 10_000;

interface Spare {
  readonly pipe: ChildPipe;
  readonly definition: StdioServer;
  readonly timer: NodeJS.Timeout;
}

/** Starts child processes, finds out which era they are of, and ends them all. */
export class StdioOpenings {
  private readonly logger = new Logger('Upstream');
  private readonly probes = new SingleFlight<KnownEra>();
  private readonly guard = new RestartGuard();
  private readonly pipes = new Set<ChildPipe>();
  private readonly spares = new Map<string, Spare>();
  private readonly killAll = (): void => this.pipes.forEach((pipe) => pipe.kill());
  private isShutDown = false;

  constructor(
    private readonly memory: EraMemory,
    private readonly config: UpstreamConfig,
  ) {
    process.on('exit', this.killAll);
  }

  /** From memory, or by a probe of a process that is kept for the next opening. Rejects with an OutcomeError. */
  async era(server: StdioServer, opening: LegacyOpening, signal: AbortSignal): Promise<KnownEra> {
    const known = this.memory.find(server.slug);
    if (known !== undefined) return known;
    const probe = this.probes.run(server.slug, () => this.probeSpare(server, opening));
    return until(probe, signal, () => cancelled(server));
  }

  async open(server: StdioServer, opening: LegacyOpening, signal: AbortSignal): Promise<UpstreamConnection> {
    const known = await this.era(server, opening, signal);
    const pipe = this.takeSpare(server) ?? this.startProcess(server);
    if (known.era === 'legacy') return this.openLegacy(server, pipe, opening, signal);
    const found = await discoverOverPipe(pipe, opening.surroundings, opening.surroundings.connectMs, signal);
    if (found.kind === 'modern') return this.modernIn(pipe, found.profile, opening);
    // It is not what it was: met anew the next time.
    this.memory.forget(server.slug);
    void pipe.close();
    throw this.failureOf(found, server);
  }

  forget(slug: string): void {
    this.guard.forgive(slug);
    this.forgetSpare(slug);
  }

  /** Resolves when no process is left. */
  async shutdown(): Promise<void> {
    this.isShutDown = true;
    for (const slug of this.spares.keys()) this.forgetSpare(slug);
    await Promise.all([...this.pipes].map((pipe) => pipe.close()));
    process.off('exit', this.killAll);
  }

  private async openLegacy(
    server: StdioServer,
    pipe: ChildPipe,
    opening: LegacyOpening,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    try {
      return await openOverPipe(pipe, opening, signal);
    } catch (error) {
      this.memory.forget(server.slug);
      throw error;
    }
  }

  private modernIn(pipe: ChildPipe, profile: ServerProfile, opening: LegacyOpening): UpstreamConnection {
    return new ModernPipeConnection(pipe, profile, opening.surroundings, opening.events);
  }

  private async probeSpare(server: StdioServer, opening: LegacyOpening): Promise<KnownEra> {
    const pipe = this.startProcess(server);
    const { connectMs } = server.timeouts;
    const patience = { silentMs: Math.min(this.config.probeMs, connectMs), startMs: connectMs };
    const found = await probeOverPipe(pipe, opening.surroundings, patience);
    if (found.kind === 'failed' || found.kind === 'cancelled') {
      void pipe.close();
      throw this.failureOf(found, server);
    }
    if (found.kind === 'ended') return this.judgeDead(server, pipe, found.reason);
    this.keepSpare(server, pipe);
    return this.remember(server, found.kind === 'modern' ? { era: 'modern', profile: found.profile } : LEGACY);
  }

  /**
   * A process that ended at the probe is one that cannot be started, or a legacy server that bears no message before
   * the handshake. The handshake, in a new process, will tell.
   */
  private judgeDead(server: StdioServer, pipe: ChildPipe, reason: string): KnownEra {
    if (!pipe.wasStarted) throw thrown(named(outcomeOfFault('refused', reason), server.slug));
    this.guard.forgive(server.slug);
    return this.remember(server, LEGACY);
  }

  private remember(server: StdioServer, known: KnownEra): KnownEra {
    this.memory.remember(server.slug, known);
    return known;
  }

  private failureOf(found: PipeDiscovery, server: StdioServer): Error {
    if (found.kind === 'failed') return thrown(found.outcome);
    const reason = found.kind === 'ended' ? found.reason : 'the server speaks another revision now';
    return found.kind === 'cancelled'
      ? cancelled(server)
      : thrown(named(outcomeOfFault('refused', reason), server.slug));
  }

  private startProcess(server: StdioServer): ChildPipe {
    const pending = this.guard.pending(server.slug);
    if (pending !== undefined) throw thrown(restartPending(server.slug, pending));
    if (this.isShutDown) throw thrown(named(outcomeOfFault('refused', 'the gateway is shutting down'), server.slug));
    const pipe = this.spawn(server, {
      maxLineBytes: this.config.maxMessageBytes,
      stderr: new BoundedLog(this.logger, `${server.slug}: `),
      noise: new BoundedLog(this.logger, `${server.slug}: dropped what is no message: `),
      onGone: (gone, wanted, reason) => {
        this.pipes.delete(gone);
        if (!wanted) this.guard.died(server.slug, gone.startedAt, reason);
      },
    });
    this.pipes.add(pipe);
    return pipe;
  }

  private spawn(server: StdioServer, options: ChildPipeOptions): ChildPipe {
    try {
      return new ChildPipe(server, options);
    } catch {
      // What the system would not even try: a command, argument or folder that can be none.
      throw thrown(named(outcomeOfFault('refused', 'the command is not valid'), server.slug));
    }
  }

  private keepSpare(server: StdioServer, pipe: ChildPipe): void {
    this.forgetSpare(server.slug);
    const timer = setTimeout(() => this.forgetSpare(server.slug), SPARE_MS).unref();
    this.spares.set(server.slug, { pipe, definition: server, timer });
  }

  private takeSpare(server: StdioServer): ChildPipe | undefined {
    const spare = this.spares.get(server.slug);
    if (spare === undefined) return undefined;
    if (spare.pipe.over || spare.definition !== server) {
      this.forgetSpare(server.slug);
      return undefined;
    }
    this.spares.delete(server.slug);
    clearTimeout(spare.timer);
    return spare.pipe;
  }

  private forgetSpare(slug: string): void {
    const spare = this.spares.get(slug);
    this.spares.delete(slug);
    clearTimeout(spare?.timer);
    void spare?.pipe.close();
  }
}

const LEGACY: KnownEra = { era: 'legacy', sse: false };

const cancelled = (server: StdioServer): Error => thrown(named(outcomeOfFault('refused', 'cancelled'), server.slug));
