import { isJsonObject, type JsonObject, type LogLevel, type RequestId } from '#lib/mcp-protocol';
import type { InputRequired } from './parkable-call.js';
import type { ParkedCallView } from './parked-calls.js';
import { isQuestions } from './request-states.js';

/** Message patterns of requests to the worker that holds a parked call. */
export const ParkedPattern = {
  resume: 'parked.resume',
  list: 'parked.list',
  cancel: 'parked.cancel',
} as const;

/**
 * A client has repeated its call. Events are those of a reply; the exchange ends with an Outcome or with further
 * questions.
 */
export interface ResumeOrder {
  readonly call: string;
  /** Key of the caller, which must match the caller of the parked call. */
  readonly caller: string;
  readonly responses: JsonObject;
  readonly progressToken?: RequestId;
  readonly logLevel?: LogLevel;
}

export interface CancelParkedOrder {
  readonly call: string;
}

/** The parked calls of one worker. */
export interface ParkedList {
  readonly kind: 'parked';
  readonly calls: readonly ParkedCallView[];
}

/** Reads the questions that another worker returned in place of an outcome. Returns undefined for anything else. */
export function readInputRequired(value: unknown): InputRequired | undefined {
  if (!isJsonObject(value) || value['kind'] !== 'asked' || !isQuestions(value['questions'])) return undefined;
  const { questions, parked } = value;
  return { kind: 'asked', questions, ...(typeof parked === 'string' && { parked }) };
}

/** Reads a parked call that another worker reported. Returns undefined for anything else. */
export function readParkedCall(value: unknown): ParkedCallView | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, server, method, item, caller, begunAt, questions, waiting } = value;
  if (typeof id !== 'string' || typeof server !== 'string' || typeof method !== 'string') return undefined;
  if (typeof item !== 'string' || typeof caller !== 'string') return undefined;
  if (typeof begunAt !== 'number' || typeof waiting !== 'number' || !Array.isArray(questions)) return undefined;
  const methods = questions.filter((question) => typeof question === 'string');
  return { id, server, method, item, caller, begunAt, questions: methods, waiting };
}
