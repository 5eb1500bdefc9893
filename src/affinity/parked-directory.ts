import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import { ParkedCalls, type ParkedCallView } from '../session-pool/index.js';
import { ParkedPattern, readParkedCall } from './parked-orders.js';
import { Survey } from './survey.js';

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

/** The parked calls of all workers, for those who look after them. */
@Injectable()
export class ParkedDirectory {
  constructor(
    private readonly parked: ParkedCalls,
    private readonly survey: Survey,
  ) {}

  async list(): Promise<ParkedSurvey> {
    const { told, silent } = await this.survey.askAll({
      pattern: ParkedPattern.list,
      payload: {},
      here: () => this.parked.list(),
      read: readParkedCalls,
    });
    const calls = told.flatMap(({ worker, answer }) => answer.map((call) => ({ ...call, worker })));
    return { calls: calls.toSorted((one, other) => one.begunAt - other.begunAt), silent };
  }

  /**
   * Cancels a call at its server; its client learns of it when it comes back. False when it is not parked (any more).
   * Rejects with OwnerUnreachable or CoordinationUnavailable while that cannot be told.
   */
  async cancel(worker: string, call: string): Promise<boolean> {
    const isCancelled = await this.survey.ask(worker, {
      pattern: ParkedPattern.cancel,
      payload: { call },
      here: () => this.parked.cancel(call),
      read: (value) => (isJsonObject(value) ? value['cancelled'] === true : undefined),
    });
    return isCancelled === true;
  }
}

function readParkedCalls(value: unknown): ParkedCallView[] | undefined {
  const calls = isJsonObject(value) ? value['calls'] : undefined;
  return Array.isArray(calls) ? calls.flatMap((call: JsonValue) => readParkedCall(call) ?? []) : undefined;
}
