import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { PRODUCT } from '#lib/extension-kit';
import { Drain, EventLoopDelay } from '../../lifecycle/index.js';
import { ConfigurationFile } from '../../registry/index.js';
import { DecisionCounts } from '../../guardrails/index.js';
import { SessionPool, type SessionView } from '../../session-pool/index.js';
import { ParkedCalls } from '../../calls/index.js';
import { ServerHealth, UpstreamPool, type HealthView, type UpstreamView } from '../../connections/index.js';
import {
  InspectionPattern,
  readDecisionViews,
  readEnded,
  readHealthView,
  readHealthViews,
  readSessionViews,
  readUpstreamViews,
  readWorkerFigures,
  readWorkerView,
  type DecisionViews,
  type HealthOrder,
  type HealthViews,
  type PageOrder,
  type SerialOrder,
  type WorkerFigures,
  type WorkerView,
} from './inspection-orders.js';
import { CallCounts } from '../live/call-counts.js';
import { WorkerBroadcast, type BroadcastResult, type WorkerQuery } from '../../workers/index.js';

const NO_PAYLOAD = {};
const STARTED_AT = Math.round(performance.timeOrigin);

/** Lists what each worker runs, and ends sessions, connections and workers, on behalf of administrators. */
@Injectable()
export class Inspection {
  constructor(
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly parkedCalls: ParkedCalls,
    private readonly drain: Drain,
    private readonly broadcast: WorkerBroadcast,
    private readonly health: ServerHealth,
    private readonly configuration: ConfigurationFile,
    private readonly eventLoop: EventLoopDelay,
    private readonly calls: CallCounts,
    private readonly decisions: DecisionCounts,
  ) {}

  /** Ids of the alive workers in a stable order. */
  get aliveIds(): readonly string[] {
    return this.broadcast.aliveIds;
  }

  workers(): Promise<BroadcastResult<WorkerView>> {
    return this.broadcast.queryAll({
      pattern: InspectionPattern.worker,
      payload: NO_PAYLOAD,
      answerLocally: () => this.describeLocalWorker(),
      read: readWorkerView,
    });
  }

  /** Reports what each worker contributes to the live figures. */
  figures(): Promise<BroadcastResult<WorkerFigures>> {
    return this.broadcast.queryAll({
      pattern: InspectionPattern.figures,
      payload: NO_PAYLOAD,
      answerLocally: () => this.localFigures(),
      read: readWorkerFigures,
    });
  }

  localFigures(): WorkerFigures {
    return {
      isLeaving: this.drain.isDraining,
      sessions: this.sessions.size,
      parkedCalls: this.parkedCalls.size,
      eventLoopDelayMs: this.eventLoop.readMeanMs(),
      warnings: this.configuration.warnings.length,
      calls: this.calls.read(),
    };
  }

  /** Reports how a server's recent calls ended, at each worker. */
  serverHealth(server: string): Promise<BroadcastResult<HealthView>> {
    const payload: HealthOrder = { server };
    return this.broadcast.queryAll({
      pattern: InspectionPattern.health,
      payload,
      answerLocally: () => this.health.get(server),
      read: readHealthView,
    });
  }

  /** Reports how the recent calls of all servers ended, at each worker. */
  allHealth(): Promise<BroadcastResult<HealthViews>> {
    return this.broadcast.queryAll({
      pattern: InspectionPattern.allHealth,
      payload: NO_PAYLOAD,
      answerLocally: () => this.localHealth(),
      read: readHealthViews,
    });
  }

  localHealth(): HealthViews {
    return { servers: this.health.all() };
  }

  /** Reports what the guardrails decided in the last hour, at each worker. */
  guardrailDecisions(): Promise<BroadcastResult<DecisionViews>> {
    return this.broadcast.queryAll({
      pattern: InspectionPattern.guardrailDecisions,
      payload: NO_PAYLOAD,
      answerLocally: () => this.localDecisions(),
      read: readDecisionViews,
    });
  }

  localDecisions(): DecisionViews {
    return { decisions: this.decisions.listRecent() };
  }

  /**
   * Lists the sessions of one worker. Returns undefined when the worker is dead; rejects as `WorkerBroadcast.query`
   * does.
   */
  sessionsAt(worker: string, page: PageOrder): Promise<readonly SessionView[] | undefined> {
    return this.broadcast.query(worker, {
      pattern: InspectionPattern.sessions,
      payload: page,
      answerLocally: () => this.sessions.list(page),
      read: readSessionViews,
    });
  }

  /**
   * Lists the upstream connections of one worker. Returns undefined when the worker is dead; rejects as
   * `WorkerBroadcast.query` does.
   */
  upstreamsAt(worker: string, page: PageOrder): Promise<readonly UpstreamView[] | undefined> {
    return this.broadcast.query(worker, {
      pattern: InspectionPattern.upstreams,
      payload: page,
      answerLocally: () => this.upstreams.list(page),
      read: readUpstreamViews,
    });
  }

  /**
   * Ends a session as its client would: its calls are cancelled and its id becomes unknown. Returns false when the
   * worker has no such session.
   */
  endSession(worker: string, serial: number): Promise<boolean> {
    return this.endAt(worker, {
      pattern: InspectionPattern.endSession,
      payload: { serial } satisfies SerialOrder,
      answerLocally: () => this.sessions.endBySerial(serial),
      read: readEnded,
    });
  }

  /**
   * Closes a connection once its calls are answered; the next call opens a new one. Returns false when the worker has
   * no such connection.
   */
  closeUpstream(worker: string, serial: number): Promise<boolean> {
    return this.endAt(worker, {
      pattern: InspectionPattern.closeUpstream,
      payload: { serial } satisfies SerialOrder,
      answerLocally: () => this.upstreams.closeBySerial(serial),
      read: readEnded,
    });
  }

  /** Makes a worker drain and stop, as SIGTERM does. Returns false when the worker is dead. */
  drainWorker(worker: string): Promise<boolean> {
    return this.endAt(worker, {
      pattern: InspectionPattern.drain,
      payload: NO_PAYLOAD,
      answerLocally: () => this.drainLocalWorker(),
      read: readEnded,
    });
  }

  describeLocalWorker(): WorkerView {
    return {
      pid: process.pid,
      host: hostname(),
      version: PRODUCT.version,
      startedAt: STARTED_AT,
      isLeaving: this.drain.isDraining,
      sessions: this.sessions.size,
      parkedCalls: this.parkedCalls.size,
      memoryBytes: process.memoryUsage.rss(),
      warnings: this.configuration.warnings,
    };
  }

  drainLocalWorker(): true {
    this.drain.request();
    return true;
  }

  private async endAt(worker: string, query: WorkerQuery<boolean>): Promise<boolean> {
    return (await this.broadcast.query(worker, query)) === true;
  }
}
