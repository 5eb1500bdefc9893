import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import { ParkedCalls, type ParkedCallView } from './parked-calls.js';
import { ParkedPattern, readParkedCall } from './parked-orders.js';
import { WorkerBroadcast } from '../workers/index.js';

/** A parked call and the worker that holds it. */
export interface LocatedParkedCall extends ParkedCallView {
  /** Id of the worker. */
  readonly worker: string;
}

/** The parked calls of all workers that answered. */
export interface ParkedCallList {
  /** Oldest first. */
  readonly calls: readonly LocatedParkedCall[];
  /** Ids of workers that did not answer; they may hold further calls. */
  readonly unresponsive: readonly string[];
}

/** Lists and cancels the parked calls of all workers, on behalf of administrators. */
@Injectable()
export class ParkedDirectory {
  constructor(
    private readonly parkedCalls: ParkedCalls,
    private readonly broadcast: WorkerBroadcast,
  ) {}

  async list(): Promise<ParkedCallList> {
    const { answers, unresponsive } = await this.broadcast.queryAll({
      pattern: ParkedPattern.list,
      payload: {},
      answerLocally: () => this.parkedCalls.list(),
      read: readParkedCalls,
    });
    const calls = answers.flatMap(({ worker, answer }) => answer.map((call) => ({ ...call, worker })));
    return { calls: calls.toSorted((one, other) => one.begunAt - other.begunAt), unresponsive };
  }

  /**
   * Cancels a call at its server; the client gets the outcome when it repeats the call. Returns false when the call is
   * not parked (any more). Rejects with OwnerUnreachable or CoordinationUnavailable when the worker's status is
   * unknown.
   */
  async cancel(worker: string, call: string): Promise<boolean> {
    const isCancelled = await this.broadcast.query(worker, {
      pattern: ParkedPattern.cancel,
      payload: { call },
      answerLocally: () => this.parkedCalls.cancel(call),
      read: (value) => (isJsonObject(value) ? value['cancelled'] === true : undefined),
    });
    return isCancelled === true;
  }
}

function readParkedCalls(value: unknown): ParkedCallView[] | undefined {
  const calls = isJsonObject(value) ? value['calls'] : undefined;
  return Array.isArray(calls) ? calls.flatMap((call: JsonValue) => readParkedCall(call) ?? []) : undefined;
}
