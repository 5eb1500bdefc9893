import { Injectable } from '@nestjs/common';
import { WorkerBus } from '#lib/worker-bus';
import { CoordinationUnavailable, OwnerUnreachable } from './affinity.errors.js';
import { Incarnation } from './session-ids.js';
import { Workers } from './workers.js';

/** The answers of all workers that replied. */
export interface Surveyed<T> {
  readonly told: readonly { readonly worker: string; readonly answer: T }[];
  /** Ids of the workers that did not reply. */
  readonly silent: readonly string[];
}

/** One query: the pattern of its handler at other workers, and how this worker answers it locally. */
export interface SurveyQuestion<T> {
  readonly pattern: string;
  readonly payload: object;
  readonly here: () => T;
  /** Parses a reply. Returns undefined for an invalid one. */
  readonly read: (value: unknown) => T | undefined;
}

/** Timeout of one worker's answer. */
const ANSWER_MS = 2_000;

/** Queries workers on behalf of administrators. */
@Injectable()
export class Survey {
  constructor(
    private readonly me: Incarnation,
    private readonly workers: Workers,
    private readonly bus: WorkerBus,
  ) {}

  /** Ids of all alive workers, including this one, in a stable order. */
  get living(): readonly string[] {
    return [...new Set([this.me.text, ...this.workers.living])].toSorted();
  }

  /** Queries all workers, including this one. Workers that do not reply are listed as unresponsive. */
  async askAll<T>(query: SurveyQuestion<T>): Promise<Surveyed<T>> {
    const all = await Promise.all(
      this.living.map(async (worker) => ({ worker, answer: await this.answerOf(worker, query) })),
    );
    return {
      told: all.flatMap(({ worker, answer }) => (answer === undefined ? [] : [{ worker, answer }])),
      silent: all.flatMap(({ worker, answer }) => (answer === undefined ? [worker] : [])),
    };
  }

  /**
   * Queries one worker. Returns undefined when the worker is dead; rejects with OwnerUnreachable or
   * CoordinationUnavailable while its status is unknown or it does not reply.
   */
  async ask<T>(worker: string, query: SurveyQuestion<T>): Promise<T | undefined> {
    if (worker !== this.me.text) {
      const status = await this.workers.whereIs(worker).catch(unavailable);
      if (status === 'gone') return undefined;
      if (status === 'unsure') throw new OwnerUnreachable();
    }
    const answer = await this.answerOf(worker, query);
    if (answer === undefined) throw new OwnerUnreachable();
    return answer;
  }

  private async answerOf<T>(worker: string, query: SurveyQuestion<T>): Promise<T | undefined> {
    const { pattern, payload, here, read } = query;
    if (worker === this.me.text) return here();
    const end = await this.bus.request({ to: worker, pattern, payload, budgetMs: ANSWER_MS }).end;
    return end.kind === 'value' ? read(end.value) : undefined;
  }
}

function unavailable(): never {
  throw new CoordinationUnavailable();
}
