import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { PRODUCT } from '#lib/extension-kit';
import { Drain } from '../drain/index.js';
import { Readiness } from '../health/index.js';
import {
  ParkedCalls,
  ServerHealth,
  SessionPool,
  UpstreamPool,
  type HealthView,
  type SessionView,
  type UpstreamView,
} from '../session-pool/index.js';
import {
  InspectionPattern,
  readEnded,
  readHealthView,
  readSessionViews,
  readUpstreamViews,
  readWorkerView,
  type HealthOrder,
  type PageOrder,
  type SerialOrder,
  type WorkerView,
} from './inspection-orders.js';
import { Survey, type Surveyed, type SurveyQuestion } from './survey.js';

const NO_PAYLOAD = {};
const STARTED_AT = Math.round(performance.timeOrigin);

/** Lists what each worker runs, and ends sessions, connections and workers, on behalf of administrators. */
@Injectable()
export class Inspection {
  constructor(
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly parked: ParkedCalls,
    private readonly readiness: Readiness,
    private readonly drain: Drain,
    private readonly survey: Survey,
    private readonly health: ServerHealth,
  ) {}

  /** Ids of the alive workers in a stable order. */
  get living(): readonly string[] {
    return this.survey.living;
  }

  workers(): Promise<Surveyed<WorkerView>> {
    const here = () => this.workerHere();
    return this.survey.askAll({ pattern: InspectionPattern.worker, payload: NO_PAYLOAD, here, read: readWorkerView });
  }

  /** Reports how a server's recent calls ended, at each worker. */
  serverHealth(server: string): Promise<Surveyed<HealthView>> {
    const payload: HealthOrder = { server };
    const here = () => this.health.of(server);
    return this.survey.askAll({ pattern: InspectionPattern.health, payload, here, read: readHealthView });
  }

  /**
   * Lists the sessions of one worker. Returns undefined when the worker is dead; rejects as `WorkerBroadcast.query`
   * does.
   */
  sessionsAt(worker: string, page: PageOrder): Promise<readonly SessionView[] | undefined> {
    const here = () => this.sessions.view(page);
    return this.survey.ask(worker, {
      pattern: InspectionPattern.sessions,
      payload: page,
      here,
      read: readSessionViews,
    });
  }

  /**
   * Lists the upstream connections of one worker. Returns undefined when the worker is dead; rejects as
   * `WorkerBroadcast.query` does.
   */
  upstreamsAt(worker: string, page: PageOrder): Promise<readonly UpstreamView[] | undefined> {
    const here = () => this.upstreams.view(page);
    return this.survey.ask(worker, {
      pattern: InspectionPattern.upstreams,
      payload: page,
      here,
      read: readUpstreamViews,
    });
  }

  /**
   * Ends a session as its client would: its calls are cancelled and its id becomes unknown. Returns false when the
   * worker has no such session.
   */
  endSession(worker: string, serial: number): Promise<boolean> {
    return this.end(worker, {
      pattern: InspectionPattern.endSession,
      payload: { serial } satisfies SerialOrder,
      here: () => this.sessions.endBySerial(serial),
      read: readEnded,
    });
  }

  /**
   * Closes a connection once its calls are answered; the next call opens a new one. Returns false when the worker has
   * no such connection.
   */
  closeUpstream(worker: string, serial: number): Promise<boolean> {
    return this.end(worker, {
      pattern: InspectionPattern.closeUpstream,
      payload: { serial } satisfies SerialOrder,
      here: () => this.upstreams.closeBySerial(serial),
      read: readEnded,
    });
  }

  /** Makes a worker drain and stop, as SIGTERM does. Returns false when the worker is dead. */
  drainWorker(worker: string): Promise<boolean> {
    return this.end(worker, {
      pattern: InspectionPattern.drain,
      payload: NO_PAYLOAD,
      here: () => this.drainHere(),
      read: readEnded,
    });
  }

  workerHere(): WorkerView {
    return {
      pid: process.pid,
      host: hostname(),
      version: PRODUCT.version,
      startedAt: STARTED_AT,
      isLeaving: this.readiness.isLeaving,
      sessions: this.sessions.size,
      parkedCalls: this.parked.list().length,
      memoryBytes: process.memoryUsage.rss(),
    };
  }

  drainHere(): true {
    this.drain.request();
    return true;
  }

  private async end(worker: string, query: SurveyQuestion<boolean>): Promise<boolean> {
    return (await this.survey.ask(worker, query)) === true;
  }
}
