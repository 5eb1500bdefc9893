import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '#lib/time';
import { GatewayEvents } from '../events/index.js';
import { Readiness } from '../lifecycle/index.js';
import { identityOf, ServerRegistry, type RegistrySnapshot, type ServerDefinition } from '../registry/index.js';
import { rankByRendezvous, WorkerId, WorkerRegistry } from '../workers/index.js';
import { CheckRunner } from './check-runner.js';
import { CheckSchedule } from './check-schedule.js';
import { ServerChecksConfig } from './server-checks.config.js';
import { nextState, type ServerState } from './server-state.js';
import { ServerStates } from './server-states.js';

const SECOND_MS = 1_000;
const TICK_MS = SECOND_MS;
/** Maximum number of checks that run at once at one worker. Further ones wait for the next tick. */
const MAX_RUNNING = 8;
/** Workers that notice the same change of a state within this time report it once. */
const CHANGE_QUIET_MS = 3_600_000;

/**
 * Checks each server at one worker, which rendezvous hashing over the alive workers selects: when it dies, another one goes on from
 * the shared state.
 */
@Injectable()
export class ServerChecks implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Health');
  private readonly schedule: CheckSchedule;
  /** By the identities of the servers. */
  private readonly running = new Map<string, Promise<void>>();
  /** The last states that this worker determined, by the identities of the servers: they outlive a loss of Redis. */
  private readonly determined = new Map<string, ServerState>();
  private isStopped = false;
  private stop: (() => void) | undefined;
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly config: ServerChecksConfig,
    private readonly registry: ServerRegistry,
    private readonly runner: CheckRunner,
    private readonly states: ServerStates,
    private readonly events: GatewayEvents,
    private readonly workers: WorkerRegistry,
    private readonly workerId: WorkerId,
    private readonly readiness: Readiness,
    private readonly clock: Clock,
  ) {
    this.schedule = new CheckSchedule(config.intervalMs);
  }

  onApplicationBootstrap(): void {
    this.plan(this.registry.snapshot);
    this.stopListening = this.registry.onChange((now, before) => {
      this.plan(now);
      this.forgetRemoved(now, before);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.stopListening?.();
    this.stop?.();
    await this.runner.close();
  }

  /** The states of all servers that are checked, by slug. Without Redis, those that this worker has determined. */
  async findAll(): Promise<ReadonlyMap<string, ServerState>> {
    const checked = this.registry.snapshot.servers.filter((server) => this.schedule.has(server));
    const shared = await this.states.findAll(checked.map(identityOf)).catch(() => this.determined);
    return new Map(
      checked.flatMap((server) => {
        const state = shared.get(identityOf(server)) ?? this.determined.get(identityOf(server));
        return state ? [[server.slug, state] as const] : [];
      }),
    );
  }

  private plan({ servers }: RegistrySnapshot): void {
    this.schedule.replace(servers, this.clock.monotonicNow());
    if (this.schedule.isActive) this.stop ??= this.clock.every(TICK_MS, () => this.startDueChecks());
    if (this.schedule.isActive) return;
    this.stop?.();
    this.stop = undefined;
  }

  /** A draining worker leaves its servers to the others. */
  private startDueChecks(): void {
    if (this.readiness.isDraining) return;
    const now = this.clock.monotonicNow();
    for (const server of this.schedule.findDue(now)) {
      if (this.running.size >= MAX_RUNNING) return;
      this.schedule.postpone(server, now);
      this.startDueCheck(server);
    }
  }

  private startDueCheck(server: ServerDefinition): void {
    const identity = identityOf(server);
    if (this.running.has(identity)) return;
    if (!this.isChecker(identity)) return this.release(server);
    const check = this.check(server)
      .catch((cause: unknown) => this.logger.error(`The check of ${server.slug} failed: ${String(cause)}`))
      .finally(() => this.running.delete(identity));
    this.running.set(identity, check);
  }

  /** A worker that has not reached Redis yet is missing in the list of the alive ones, and checks all servers. */
  private isChecker(identity: string): boolean {
    const workers = [...new Set([this.workerId.text, ...this.workers.aliveIds])];
    return rankByRendezvous(`health ${identity}`, workers)[0] === this.workerId.text;
  }

  /** The state that another worker continues must not return from here. */
  private release(server: ServerDefinition): void {
    if (this.determined.delete(identityOf(server))) this.forget(server);
  }

  private forget({ slug }: ServerDefinition): void {
    this.runner
      .forget(slug)
      .catch((cause: unknown) =>
        this.logger.error(`The connection for checks of ${slug} was not closed: ${String(cause)}`),
      );
  }

  private async check(server: ServerDefinition): Promise<void> {
    const identity = identityOf(server);
    const before = await this.recall(identity);
    if (this.isStopped) return;
    const result = await this.runner.run(server, this.config.timeoutMs);
    // A shutdown interrupts checks, and a result for an earlier definition says nothing about the new one.
    if (this.isStopped || !this.schedule.has(server) || 'unknown' in result) return;
    const state = nextState(before, result, this.config, { now: this.clock.now(), worker: this.workerId.text });
    this.determined.set(identity, state);
    await this.states.store(identity, state).catch(() => undefined);
    if (before?.state !== state.state) this.report(server, before, state);
  }

  /** The newer one of the shared state and this worker's own: Redis may be unavailable or may have lost its data. */
  private async recall(identity: string): Promise<ServerState | undefined> {
    const own = this.determined.get(identity);
    const shared = await this.states.find(identity).catch(() => undefined);
    return shared && shared.checkedAt >= (own?.checkedAt ?? 0) ? shared : own;
  }

  private report(server: ServerDefinition, before: ServerState | undefined, state: ServerState): void {
    const { slug } = server;
    const occurrence = JSON.stringify([identityOf(server), state.changes, state.state]);
    const event = { occurrence, quietMs: CHANGE_QUIET_MS };
    if (state.state === 'down') {
      const { reason = 'unknown', code, detail } = state.lastError ?? {};
      const { failures } = state;
      this.logger.warn(
        `Server ${slug} is down after ${failures} failed checks: ${reason}${detail ? ` (${detail})` : ''}`,
      );
      this.events.emit('server.down', {
        ...event,
        data: { server: slug, failures, reason, ...(code !== undefined && { code }) },
      });
    } else if (before?.state === 'down' && state.state !== 'unknown') {
      const downMs = state.since - before.since;
      this.logger.log(`Server ${slug} has recovered after ${Math.round(downMs / SECOND_MS)} s.`);
      this.events.emit('server.recovered', { ...event, data: { server: slug, state: state.state, downMs } });
    }
  }

  private forgetRemoved(now: RegistrySnapshot, before: RegistrySnapshot): void {
    const current = new Set(now.servers.filter((server) => this.schedule.has(server)).map(identityOf));
    for (const server of before.servers) {
      const identity = identityOf(server);
      if (current.has(identity)) continue;
      // A server that this worker never checked has neither.
      if (!this.determined.delete(identity) && !this.running.has(identity)) continue;
      this.forget(server);
      void this.states.delete(identity).catch(() => undefined);
    }
  }
}
