import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import { WorkerBus, type BusEnd } from '#lib/worker-bus';
import { ParkedCalls, type ParkedCallView } from '../session-pool/index.js';
import { CoordinationUnavailable, OwnerUnreachable } from './affinity.errors.js';
import { ParkedPattern, readParkedCall } from './parked-orders.js';
import { Incarnation } from './session-ids.js';
import { Workers } from './workers.js';

/** A parked call, and the worker that has it. */
export interface PlacedParkedCall extends ParkedCallView {
  /** Incarnation of the worker. */
  readonly worker: string;
}

/** What there is at all workers that answer. */
export interface ParkedSurvey {
  /** Oldest first. */
  readonly calls: readonly PlacedParkedCall[];
  /** Incarnations of workers that did not answer: they may have more. */
  readonly silent: readonly string[];
}

/** So long a worker may take to tell what it has. */
const SURVEY_MS = 2_000;

/** The parked calls of all workers, for those who look after them. */
@Injectable()
export class ParkedDirectory {
  constructor(
    private readonly parked: ParkedCalls,
    private readonly me: Incarnation,
    private readonly workers: Workers,
    private readonly bus: WorkerBus,
  ) {}

  async list(): Promise<ParkedSurvey> {
    const others = this.workers.living.filter((worker) => worker !== this.me.text);
    const told = await Promise.all(others.map(async (worker) => ({ worker, calls: await this.callsOf(worker) })));
    const mine = { worker: this.me.text, calls: this.parked.list() };
    const calls = [mine, ...told].flatMap(({ worker, calls: some = [] }) => some.map((call) => ({ ...call, worker })));
    return {
      calls: calls.toSorted((one, other) => one.begunAt - other.begunAt),
      silent: told.flatMap(({ worker, calls: some }) => (some ? [] : [worker])),
    };
  }

  /**
   * Cancels a call at its server; its client learns of it when it comes back. False when it is not parked (any more).
   * Rejects with OwnerUnreachable or CoordinationUnavailable while that cannot be told.
   */
  async cancel(worker: string, call: string): Promise<boolean> {
    if (worker === this.me.text) return this.parked.cancel(call);
    const where = await this.workers.whereIs(worker).catch(unavailable);
    if (where === 'gone') return false;
    if (where === 'unsure') throw new OwnerUnreachable();
    const order = { to: worker, pattern: ParkedPattern.cancel, payload: { call }, budgetMs: SURVEY_MS };
    return isCancelled(await this.bus.request(order).end);
  }

  private async callsOf(worker: string): Promise<ParkedCallView[] | undefined> {
    const order = { to: worker, pattern: ParkedPattern.list, payload: {}, budgetMs: SURVEY_MS };
    const end = await this.bus.request(order).end;
    const calls = end.kind === 'value' && isJsonObject(end.value) ? end.value['calls'] : undefined;
    return Array.isArray(calls) ? calls.flatMap((call: JsonValue) => readParkedCall(call) ?? []) : undefined;
  }
}

function isCancelled(end: BusEnd): boolean {
  if (end.kind !== 'value' || !isJsonObject(end.value)) throw new OwnerUnreachable();
  return end.value['cancelled'] === true;
}

function unavailable(): never {
  throw new CoordinationUnavailable();
}
