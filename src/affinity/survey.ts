import { Injectable } from '@nestjs/common';
import { WorkerBus } from '#lib/worker-bus';
import { CoordinationUnavailable, OwnerUnreachable } from './affinity.errors.js';
import { Incarnation } from './session-ids.js';
import { Workers } from './workers.js';

/** What all workers that answer have told. */
export interface Surveyed<T> {
  readonly told: readonly { readonly worker: string; readonly answer: T }[];
  /** Incarnations of those that did not answer. */
  readonly silent: readonly string[];
}

/** One question to a worker: the pattern of its handler there, and what this worker itself answers. */
export interface SurveyQuestion<T> {
  readonly pattern: string;
  readonly payload: object;
  readonly here: () => T;
  /** Undefined: it is no answer. */
  readonly read: (value: unknown) => T | undefined;
}

/** So long a worker may take to answer. */
const ANSWER_MS = 2_000;

/** Asks workers on behalf of those who look after the gateway. */
@Injectable()
export class Survey {
  constructor(
    private readonly me: Incarnation,
    private readonly workers: Workers,
    private readonly bus: WorkerBus,
  ) {}

  /** Incarnations of all that live, this one among them, in an order that stays. */
  get living(): readonly string[] {
    return [...new Set([this.me.text, ...this.workers.living])].toSorted();
  }

  /** Asks all, this one among them. A worker that does not answer is named, never left out in silence. */
  async askAll<T>(question: SurveyQuestion<T>): Promise<Surveyed<T>> {
    const all = await Promise.all(
      this.living.map(async (worker) => ({ worker, answer: await this.answerOf(worker, question) })),
    );
    return {
      told: all.flatMap(({ worker, answer }) => (answer === undefined ? [] : [{ worker, answer }])),
      silent: all.flatMap(({ worker, answer }) => (answer === undefined ? [worker] : [])),
    };
  }

  /**
   * Asks one. Undefined when it is gone for good; rejects with OwnerUnreachable or CoordinationUnavailable while that, or
   * its answer, cannot be had.
   */
  async ask<T>(worker: string, question: SurveyQuestion<T>): Promise<T | undefined> {
    if (worker !== this.me.text) {
      const where = await this.workers.whereIs(worker).catch(unavailable);
      if (where === 'gone') return undefined;
      if (where === 'unsure') throw new OwnerUnreachable();
    }
    const answer = await this.answerOf(worker, question);
    if (answer === undefined) throw new OwnerUnreachable();
    return answer;
  }

  private async answerOf<T>(worker: string, question: SurveyQuestion<T>): Promise<T | undefined> {
    const { pattern, payload, here, read } = question;
    if (worker === this.me.text) return here();
    const end = await this.bus.request({ to: worker, pattern, payload, budgetMs: ANSWER_MS }).end;
    return end.kind === 'value' ? read(end.value) : undefined;
  }
}

function unavailable(): never {
  throw new CoordinationUnavailable();
}
