import { Injectable } from '@nestjs/common';
import { WorkerBus } from '#lib/worker-bus';
import { CoordinationUnavailable, OwnerUnreachable } from './workers.errors.js';
import { WorkerId } from './worker-id.js';
import { WorkerRegistry } from './worker-registry.js';

/** The answers of all workers that replied. */
export interface BroadcastResult<T> {
  readonly answers: readonly { readonly worker: string; readonly answer: T }[];
  /** Ids of the workers that did not reply. */
  readonly unresponsive: readonly string[];
}

/** One query: the pattern of its handler at other workers, and how this worker answers it locally. */
export interface WorkerQuery<T> {
  readonly pattern: string;
  readonly payload: object;
  readonly answerLocally: () => T | Promise<T>;
  /** Parses a reply. Returns undefined for an invalid one. */
  readonly read: (value: unknown) => T | undefined;
}

/** Timeout of one worker's answer. */
const ANSWER_TIMEOUT_MS = 2_000;

/** Queries workers on behalf of administrators. */
@Injectable()
export class WorkerBroadcast {
  constructor(
    private readonly workerId: WorkerId,
    private readonly workers: WorkerRegistry,
    private readonly bus: WorkerBus,
  ) {}

  /** Ids of all alive workers, including this one, in a stable order. */
  get aliveIds(): readonly string[] {
    return [...new Set([this.workerId.text, ...this.workers.aliveIds])].toSorted();
  }

  /** Queries all workers, including this one. Workers that do not reply are listed as unresponsive. */
  async queryAll<T>(query: WorkerQuery<T>): Promise<BroadcastResult<T>> {
    const all = await Promise.all(
      this.aliveIds.map(async (worker) => ({ worker, answer: await this.requestAnswer(worker, query) })),
    );
    return {
      answers: all.flatMap(({ worker, answer }) => (answer === undefined ? [] : [{ worker, answer }])),
      unresponsive: all.flatMap(({ worker, answer }) => (answer === undefined ? [worker] : [])),
    };
  }

  /**
   * Queries one worker. Returns undefined when the worker is dead; rejects with OwnerUnreachable or
   * CoordinationUnavailable while its status is unknown or it does not reply.
   */
  async query<T>(worker: string, query: WorkerQuery<T>): Promise<T | undefined> {
    if (worker !== this.workerId.text) {
      const status = await this.workers.status(worker).catch(throwUnavailable);
      if (status === 'dead') return undefined;
      if (status === 'unknown') throw new OwnerUnreachable();
    }
    const answer = await this.requestAnswer(worker, query);
    if (answer === undefined) throw new OwnerUnreachable();
    return answer;
  }

  private async requestAnswer<T>(worker: string, query: WorkerQuery<T>): Promise<T | undefined> {
    const { pattern, payload, answerLocally, read } = query;
    if (worker === this.workerId.text) return answerLocally();
    const end = await this.bus.request({ to: worker, pattern, payload, budgetMs: ANSWER_TIMEOUT_MS }).end;
    return end.kind === 'value' ? read(end.value) : undefined;
  }
}

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}
