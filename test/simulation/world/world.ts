import { createHash } from 'node:crypto';
import type { BusService } from '#lib/worker-bus/testing';
import type { Fault, PlannedRequest, Scenario } from '../scenario.js';
import type { Flaws } from './flaws.js';
import { makeNode } from './make-node.js';
import { Chance } from './chance.js';
import { Chronicle } from './chronicle.js';
import { Host } from './host.js';
import { CommandFates } from './relay/command-fates.js';
import { RelayLink } from './relay/link.js';
import { SimRedis } from './relay/sim-redis.js';
import { Universe } from './universe.js';
import { Upstream } from './upstream.js';
import { SimWorker } from './worker.js';

/** A process of a worker, and its way to the relay. */
export interface Process {
  readonly worker: SimWorker;
  readonly host: Host;
  readonly link: RelayLink;
}

/** A request under way, and the process whose client waits for it. */
export interface Asked {
  readonly plan: PlannedRequest;
  readonly process: Process;
  readonly sentAt: number;
}

/** What a leaving worker still has to say takes so long at most. */
const LAST_WORDS_MS = 20;
const LONGEST_START_MS = 1_000;
const LEAST_LATENCY_MS = 0.2;
const SECRET = createHash('sha256').update('what the workers of the simulation share').digest();

/** Workers, a relay, servers and clients, in a time of their own. */
export class World {
  readonly universe = new Universe();
  readonly chronicle = new Chronicle();
  readonly asked = new Map<string, Asked>();
  readonly processes: Process[] = [];
  /** The process that runs at each place, the latest if several did. */
  private readonly places: Process[] = [];
  private readonly chance: Chance;
  private readonly redis: SimRedis;
  private readonly commands = new CommandFates();
  private readonly upstream: Upstream;
  private readonly sessions: readonly string[];

  constructor(
    readonly scenario: Scenario,
    private readonly flaws: Flaws = {},
  ) {
    const { seed, worstLatencyMs, lagMs, isCluster, faults } = scenario;
    this.chance = new Chance(seed);
    const hasHeir = faults.some(({ kind }) => kind === 'fail-over' || kind === 'split');
    this.redis = new SimRedis(this.universe, this.chance, {
      leastLatencyMs: LEAST_LATENCY_MS,
      worstLatencyMs,
      isCluster,
      ...(hasHeir && { lagMs }),
      ...(flaws.relay && { flaws: flaws.relay }),
    });
    this.upstream = new Upstream(this.universe, this.chance, this.chronicle, flaws.readAnswer);
    for (const place of scenario.clocks.keys()) this.startAt(place);
    this.sessions = scenario.sessions.map((place, number) => this.at(place).worker.openSession(number));
  }

  at(place: number): Process {
    return this.places[place % this.places.length]!;
  }

  /** Clients begin to ask, and fate takes its course. */
  begin(): void {
    for (const [number, plan] of this.scenario.requests.entries()) {
      this.universe.after(plan.at, () => this.ask(`call ${number}`, plan));
    }
    for (const fault of this.scenario.faults) this.plan(fault);
  }

  private startAt(place: number): void {
    const host = new Host(this.universe, this.chance, this.scenario.clocks[place] ?? 1);
    const incarnation = this.flaws.keepsNames ? `worker ${place}` : this.chance.id();
    const link = new RelayLink(this.redis, host, this.commands, incarnation);
    const worker = new SimWorker({
      incarnation,
      process: `${incarnation} #${this.processes.length}`,
      host,
      node: (service: BusService) =>
        makeNode(
          { me: incarnation, relay: link, timer: host.timer, secret: SECRET, service, chance: this.chance },
          this.flaws,
        ),
      upstream: this.upstream,
      chronicle: this.chronicle,
      records: link,
      isWary: !this.flaws.forgetsDoubt,
    });
    const started = { worker, host, link };
    this.places[place] = started;
    this.processes.push(started);
    // Heartbeats of different workers are not in step.
    const delayMs = this.chance.between(0, Math.min(this.scenario.ageMs / 2, LONGEST_START_MS));
    this.universe.after(delayMs, () => host.enter(() => void worker.node.start()));
  }

  private ask(name: string, plan: PlannedRequest): void {
    const process = this.at(plan.via);
    const session = this.sessions[plan.session % this.sessions.length] ?? '';
    // Nobody listens there: the client knows by itself that nothing ran.
    if (!process.host.isAlive) return;
    const sentAt = this.universe.now;
    const story = this.chronicle.sent(name, session, sentAt);
    this.asked.set(name, { plan, process, sentAt });
    const cancelling = new AbortController();
    const { cancelAfterMs, budgetMs, behaviour, workMs, steps } = plan;
    if (cancelAfterMs !== undefined) {
      this.universe.after(cancelAfterMs, () => process.host.enter(() => cancelling.abort()));
    }
    const call = { name, session, behaviour, workMs, steps };
    process.host.enter(() => {
      const answered = process.worker.ask(call, budgetMs, cancelling.signal, (step) => void story.steps.push(step));
      void answered.then((told) => story.answers.push({ ...told, time: this.universe.now }));
    });
  }

  private plan(fault: Fault): void {
    switch (fault.kind) {
      case 'lose-frame':
      case 'repeat-frame':
      case 'delay-frame':
      case 'forge-frame':
      case 'misdirect-frame':
        return this.redis.fates.plan(fault);
      case 'lose-command':
      case 'lose-answer':
        return this.commands.plan(fault);
      case 'flush-redis':
      case 'freeze-redis':
      case 'restart-redis':
      case 'fail-over':
      case 'split':
        return this.later(fault.at, () => this.strikeRelay(fault));
      default:
        return this.later(fault.at, () => this.strikeWorker(fault));
    }
  }

  private later(ms: number, run: () => void): void {
    this.universe.after(ms, run);
  }

  private strikeRelay(fault: Extract<Fault, { kind: `${string}-redis` | 'fail-over' | 'split' }>): void {
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

  private strikeWorker(fault: Extract<Fault, { worker: number }>): void {
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
        return host.enter(() => void worker.takeLeave().then(() => this.later(LAST_WORDS_MS, () => this.end(process))));
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
    this.chronicle.processEnded(worker.process);
    host.kill();
    link.close();
  }
}
