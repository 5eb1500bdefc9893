import { createHash } from 'node:crypto';
import type { BusService } from '#lib/worker-bus/testing';
import type { Fault, PlannedRequest, Scenario } from '../scenario.js';
import type { Flaws } from './flaws.js';
import { makeNode } from './make-node.js';
import { SeededRandom } from './seeded-random.js';
import { RunLog } from './run-log.js';
import { Host } from './host.js';
import { CommandFaultPlan } from './relay/command-faults.js';
import { RelayLink } from './relay/relay-link.js';
import { SimRedis } from './relay/sim-redis.js';
import { VirtualTime } from './virtual-time.js';
import { Upstream } from './upstream.js';
import { SimWorker } from './worker.js';

/** A worker process and its connections to the relay. */
export interface Process {
  readonly worker: SimWorker;
  readonly host: Host;
  readonly link: RelayLink;
}

/** A sent request and the process that has received it. */
export interface SentRequest {
  readonly plan: PlannedRequest;
  readonly process: Process;
  readonly sentAt: number;
}

/** Time for the last messages of a drained worker before its process ends. */
const EXIT_DELAY_MS = 20;
const MAX_START_DELAY_MS = 1_000;
const MIN_LATENCY_MS = 0.2;
const SECRET = createHash('sha256').update('what the workers of the simulation share').digest();

/** Simulated workers, relay, servers and clients in virtual time. */
export class World {
  readonly virtualTime = new VirtualTime();
  readonly runLog = new RunLog();
  readonly sentRequests = new Map<string, SentRequest>();
  readonly processes: Process[] = [];
  /** The current process of each worker. */
  private readonly places: Process[] = [];
  private readonly random: SeededRandom;
  private readonly redis: SimRedis;
  private readonly commands = new CommandFaultPlan();
  private readonly upstream: Upstream;
  private readonly sessions: readonly string[];

  constructor(
    readonly scenario: Scenario,
    private readonly flaws: Flaws = {},
  ) {
    const { seed, maxLatencyMs, lagMs, isCluster, faults } = scenario;
    this.random = new SeededRandom(seed);
    const hasReplica = faults.some(({ kind }) => kind === 'fail-over' || kind === 'split');
    this.redis = new SimRedis(this.virtualTime, this.random, {
      minLatencyMs: MIN_LATENCY_MS,
      maxLatencyMs,
      isCluster,
      ...(hasReplica && { lagMs }),
      ...(flaws.relay && { flaws: flaws.relay }),
    });
    this.upstream = new Upstream(this.virtualTime, this.random, this.runLog, flaws.readAnswer);
    for (const place of scenario.clocks.keys()) this.startAt(place);
    this.sessions = scenario.sessions.map((place, number) => this.at(place).worker.openSession(number));
  }

  at(place: number): Process {
    return this.places[place % this.places.length]!;
  }

  /** Schedules all requests and faults. */
  start(): void {
    for (const [number, plan] of this.scenario.requests.entries()) {
      this.virtualTime.after(plan.at, () => this.send(`call ${number}`, plan));
    }
    for (const fault of this.scenario.faults) this.plan(fault);
  }

  private startAt(place: number): void {
    const host = new Host(this.virtualTime, this.random, this.scenario.clocks[place] ?? 1);
    const incarnation = this.flaws.reusesWorkerIds ? `worker ${place}` : this.random.id();
    const link = new RelayLink(this.redis, host, this.commands, incarnation);
    const worker = new SimWorker({
      incarnation,
      process: `${incarnation} #${this.processes.length}`,
      host,
      node: (service: BusService) =>
        makeNode(
          { workerId: incarnation, relay: link, timer: host.timer, secret: SECRET, service, random: this.random },
          this.flaws,
        ),
      upstream: this.upstream,
      runLog: this.runLog,
      records: link,
      treatsUnknownAsAccepted: !this.flaws.ignoresUnknownHandoffs,
    });
    const started = { worker, host, link };
    this.places[place] = started;
    this.processes.push(started);
    // The heartbeats of different workers are not synchronized.
    const delayMs = this.random.between(0, Math.min(this.scenario.ageMs / 2, MAX_START_DELAY_MS));
    this.virtualTime.after(delayMs, () => host.enter(() => void worker.node.start()));
  }

  private send(name: string, plan: PlannedRequest): void {
    const process = this.at(plan.via);
    const session = this.sessions[plan.session % this.sessions.length] ?? '';
    // The connection is refused, so the client knows that nothing was executed.
    if (!process.host.isAlive) return;
    const sentAt = this.virtualTime.now;
    const record = this.runLog.sent(name, session, sentAt);
    this.sentRequests.set(name, { plan, process, sentAt });
    const cancelling = new AbortController();
    const { cancelAfterMs, budgetMs, behaviour, workMs, steps } = plan;
    if (cancelAfterMs !== undefined) {
      this.virtualTime.after(cancelAfterMs, () => process.host.enter(() => cancelling.abort()));
    }
    const call = { name, session, behaviour, workMs, steps };
    process.host.enter(() => {
      const answered = process.worker.call(call, budgetMs, cancelling.signal, (step) => void record.steps.push(step));
      void answered.then((answer) => record.answers.push({ ...answer, time: this.virtualTime.now }));
    });
  }

  private plan(fault: Fault): void {
    switch (fault.kind) {
      case 'lose-frame':
      case 'repeat-frame':
      case 'delay-frame':
      case 'forge-frame':
      case 'misdirect-frame':
        return this.redis.faultPlan.plan(fault);
      case 'lose-command':
      case 'lose-answer':
        return this.commands.plan(fault);
      case 'flush-redis':
      case 'freeze-redis':
      case 'restart-redis':
      case 'fail-over':
      case 'split':
        return this.later(fault.at, () => this.disturbRelay(fault));
      default:
        return this.later(fault.at, () => this.disturbWorker(fault));
    }
  }

  private later(ms: number, run: () => void): void {
    this.virtualTime.after(ms, run);
  }

  private disturbRelay(fault: Extract<Fault, { kind: `${string}-redis` | 'fail-over' | 'split' }>): void {
    switch (fault.kind) {
      case 'flush-redis':
        return this.redis.flushAll();
      case 'freeze-redis':
        return this.redis.freeze(fault.ms);
      case 'restart-redis':
        return this.redis.restartEmpty(fault.ms);
      case 'fail-over':
        return this.redis.failOver(fault.ms);
      case 'split':
        return this.redis.split(new Set(fault.staying.map((place) => this.at(place).worker.incarnation)), fault.ms);
    }
  }

  private disturbWorker(fault: Extract<Fault, { worker: number }>): void {
    const process = this.at(fault.worker);
    const { worker, host, link } = process;
    switch (fault.kind) {
      case 'freeze':
        host.freeze();
        return this.later(fault.ms, () => host.thaw());
      case 'kill':
        return this.end(process);
      case 'restart':
        this.end(process);
        return this.later(fault.ms, () => this.startAgain(fault.worker % this.places.length));
      case 'twin':
        return this.startAt(fault.worker % this.places.length);
      case 'leave':
        return host.enter(() => void worker.drain().then(() => this.later(EXIT_DELAY_MS, () => this.end(process))));
      case 'reset':
        return link.reset(fault.which);
      case 'cut-off':
        return link.cutOff(fault.ms, fault.resets);
    }
  }

  private startAgain(place: number): void {
    if (!this.at(place).host.isAlive) this.startAt(place);
  }

  private end({ worker, host, link }: Process): void {
    this.runLog.processEnded(worker.process);
    host.kill();
    link.close();
  }
}
