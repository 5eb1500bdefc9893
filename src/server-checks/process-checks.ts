import { Injectable } from '@nestjs/common';
import { Clock } from '#lib/time';
import { UpstreamPool } from '../connections/index.js';
import { WorkerBroadcast } from '../workers/index.js';
import {
  CheckPattern,
  readProcessAnswer,
  toProcessAnswer,
  type PingProcessOrder,
  type ProcessAnswer,
} from './check-order.js';
import type { CheckResult } from './server-state.js';

/** Less than the time that a worker has for an answer to another one. */
const MAX_PING_MS = 1_500;

/** Checks servers that run as child processes, at whichever workers they run. It starts none. */
@Injectable()
export class ProcessChecks {
  constructor(
    private readonly pool: UpstreamPool,
    private readonly broadcast: WorkerBroadcast,
    private readonly clock: Clock,
  ) {}

  /**
   * The server answers if one of its processes does; without a process at any worker it is idle. A worker that does not reply may
   * run one.
   */
  async run(server: string): Promise<CheckResult> {
    const startedAt = this.clock.monotonicNow();
    const payload: PingProcessOrder = { server };
    const { answers, unresponsive } = await this.broadcast.queryAll({
      pattern: CheckPattern.pingProcess,
      payload,
      answerLocally: () => this.pingLocally(server),
      read: readProcessAnswer,
    });
    const latencyMs = Math.round(this.clock.monotonicNow() - startedAt);
    const found = answers.map(({ answer }) => answer);
    if (found.some(({ kind }) => kind === 'answered')) return { answered: true, latencyMs };
    const failed = found.find((answer) => answer.kind === 'failed');
    if (!failed) return unresponsive.length > 0 ? { unknown: true } : { idle: true };
    return { answered: false, latencyMs, code: failed.code, reason: failed.reason };
  }

  /** Pings the processes that this worker runs. */
  async pingLocally(server: string): Promise<ProcessAnswer> {
    return toProcessAnswer(await this.pool.pingProcesses(server, this.clock.timeoutSignal(MAX_PING_MS)));
  }
}
