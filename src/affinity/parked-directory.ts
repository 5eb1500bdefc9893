import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import { ParkedCalls, type ParkedCallView } from '../session-pool/index.js';
import { ParkedPattern, readParkedCall } from './parked-orders.js';
import { Survey } from './survey.js';

/** A parked call and the worker that holds it. */
export interface PlacedParkedCall extends ParkedCallView {
  /** Id of the worker. */
  readonly worker: string;
}

/** The parked calls of all workers that answered. */
export interface ParkedSurvey {
  /** Oldest first. */
  readonly calls: readonly PlacedParkedCall[];
  /** Ids of workers that did not answer; they may hold further calls. */
  readonly silent: readonly string[];
}

/** Lists and cancels the parked calls of all workers, on behalf of administrators. */
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
   * Cancels a call at its server; the client gets the outcome when it repeats the call. Returns false when the call is
   * not parked (any more). Rejects with OwnerUnreachable or CoordinationUnavailable when the worker's status is
   * unknown.
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
