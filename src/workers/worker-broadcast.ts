import { Injectable } from '@nestjs/common';
import { WorkerBus } from '#lib/worker-bus';
import { CoordinationUnavailable, OwnerUnreachable } from './workers.errors.js';
import { WorkerId } from './worker-id.js';
import { WorkerRegistry } from './worker-registry.js';

/** What all workers that answer have told. */
export interface BroadcastResult<T> {
  readonly answers: readonly { readonly worker: string; readonly answer: T }[];
  /** Incarnations of those that did not answer. */
  readonly unresponsive: readonly string[];
}

/** One question to a worker: the pattern of its handler there, and what this worker itself answers. */
export interface WorkerQuery<T> {
  readonly pattern: string;
  readonly payload: object;
  readonly answerLocally: () => T;
  /** Undefined: it is no answer. */
  readonly read: (value: unknown) => T | undefined;
}

/** So long a worker may take to answer. */
const ANSWER_TIMEOUT_MS = 2_000;

/** Asks workers on behalf of those who look after the gateway. */
@Injectable()
export class WorkerBroadcast {
  constructor(
    private readonly workerId: WorkerId,
    private readonly workers: WorkerRegistry,
    private readonly bus: WorkerBus,
  ) {}

  /** Incarnations of all that live, this one among them, in an order that stays. */
  get aliveIds(): readonly string[] {
    return [...new Set([this.workerId.text, ...this.workers.aliveIds])].toSorted();
  }

  /** Asks all, this one among them. A worker that does not answer is named, never left out in silence. */
  async queryAll<T>(question: WorkerQuery<T>): Promise<BroadcastResult<T>> {
    const all = await Promise.all(
      this.aliveIds.map(async (worker) => ({ worker, answer: await this.requestAnswer(worker, question) })),
    );
    return {
      answers: all.flatMap(({ worker, answer }) => (answer === undefined ? [] : [{ worker, answer }])),
      unresponsive: all.flatMap(({ worker, answer }) => (answer === undefined ? [worker] : [])),
    };
  }

  /**
   * Asks one. Undefined when it is gone for good; rejects with OwnerUnreachable or CoordinationUnavailable while that, or
   * its answer, cannot be had.
   */
  async query<T>(worker: string, question: WorkerQuery<T>): Promise<T | undefined> {
    if (worker !== this.workerId.text) {
      const where = await this.workers.status(worker).catch(throwUnavailable);
      if (where === 'gone') return undefined;
      if (where === 'unsure') throw new OwnerUnreachable();
    }
    const answer = await this.requestAnswer(worker, question);
    if (answer === undefined) throw new OwnerUnreachable();
    return answer;
  }

  private async requestAnswer<T>(worker: string, question: WorkerQuery<T>): Promise<T | undefined> {
    const { pattern, payload, answerLocally: here, read } = question;
    if (worker === this.workerId.text) return here();
    const end = await this.bus.request({ to: worker, pattern, payload, budgetMs: ANSWER_TIMEOUT_MS }).end;
    return end.kind === 'value' ? read(end.value) : undefined;
  }
}

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}
