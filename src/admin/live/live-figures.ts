import { Injectable } from '@nestjs/common';
import { Clock } from '#lib/time';
import { Items } from '../../items/index.js';
import { ServerRegistry } from '../../registry/index.js';
import { ServerChecks, type ServerState } from '../../server-checks/index.js';
import type { BroadcastResult } from '../../workers/index.js';
import { Inspection } from '../inspection/inspection.js';
import type { HealthViews, WorkerFigures } from '../inspection/inspection-orders.js';
import { toServersHealthResponse } from '../registry/health-response.js';
import { CallWindow, type CallRates } from './call-rates.js';

type ServerCounts = Readonly<Record<ServerState['state'] | 'disabled', number>>;

/** What happens at all workers now. */
export interface LiveFigures {
  /** RFC 3339. */
  readonly at: string;
  readonly servers: ServerCounts;
  readonly calls: CallRates;
  readonly sessions: number;
  readonly parkedCalls: number;
  readonly workers: { readonly serving: number; readonly draining: number; readonly silent: number };
  /** The longest mean delay of the event loop of a worker, in milliseconds. */
  readonly eventLoopDelayMs: number;
  /** How many things of each kind an operator should look at. */
  readonly attention: {
    readonly quarantinedTools: number;
    readonly changedTools: number;
    readonly failingServers: number;
    /** Workers with a warning, such as a configuration file that is not in force. */
    readonly warningWorkers: number;
  };
}

const NO_HEALTH: BroadcastResult<HealthViews> = { answers: [], unresponsive: [] };

/** Computes the live figures from what all workers report. */
@Injectable()
export class LiveFiguresReader {
  private window = new CallWindow();

  constructor(
    private readonly inspection: Inspection,
    private readonly registry: ServerRegistry,
    private readonly checks: ServerChecks,
    private readonly items: Items,
    private readonly clock: Clock,
  ) {}

  /** Forgets the calls of the last seconds, when nobody reads any more. */
  reset(): void {
    this.window = new CallWindow();
  }

  async read(): Promise<LiveFigures> {
    // A reading that a reset overtakes must not become the first one of the next window.
    const { window } = this;
    const [figures, servers] = await Promise.all([this.inspection.figures(), this.countServers()]);
    const workers = figures.answers.map(({ answer }) => answer);
    const sum = (numberOf: (worker: WorkerFigures) => number) => workers.reduce((all, each) => all + numberOf(each), 0);
    const draining = sum(({ isLeaving }) => Number(isLeaving));
    const tools = this.items.countUnapproved('tools');
    return {
      at: new Date(this.clock.now()).toISOString(),
      servers,
      calls: window.add(new Map(figures.answers.map(({ worker, answer }) => [worker, answer.calls]))),
      sessions: sum(({ sessions }) => sessions),
      parkedCalls: sum(({ parkedCalls }) => parkedCalls),
      workers: { serving: workers.length - draining, draining, silent: figures.unresponsive.length },
      eventLoopDelayMs: Math.max(0, ...workers.map(({ eventLoopDelayMs }) => eventLoopDelayMs)),
      attention: {
        quarantinedTools: tools.quarantined,
        changedTools: tools.changed,
        failingServers: servers.down,
        warningWorkers: sum(({ warnings }) => Number(warnings > 0)),
      },
    };
  }

  /** The states that `GET /admin/v1/health` shows. The last calls matter only where no health check has decided. */
  private async countServers(): Promise<ServerCounts> {
    const { servers } = this.registry.snapshot;
    const states = await this.checks.findAll();
    const isUndecided = servers.some(
      ({ slug, enabled }) => enabled && (states.get(slug)?.state ?? 'unknown') === 'unknown',
    );
    const health = isUndecided ? await this.inspection.allHealth() : NO_HEALTH;
    const counts = { up: 0, down: 0, idle: 0, unknown: 0, disabled: 0 };
    for (const { enabled, state } of toServersHealthResponse(servers, health, states).items)
      counts[enabled ? state : 'disabled'] += 1;
    return counts;
  }
}
