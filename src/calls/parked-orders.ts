import { isJsonObject, type JsonObject, type LogLevel, type RequestId } from '#lib/mcp-protocol';
import type { InputRequired } from './parkable-call.js';
import type { ParkedCallView } from './parked-calls.js';
import { isQuestions } from './request-states.js';

/** What a worker asks of the worker that has a parked call. */
export const ParkedPattern = {
  resume: 'parked.resume',
  list: 'parked.list',
  cancel: 'parked.cancel',
} as const;

/** A client has repeated its call. Events are those of a reply; the end is an Outcome, or InputRequired. */
export interface ResumeOrder {
  readonly call: string;
  /** Key of the caller, which must be that of the call. */
  readonly caller: string;
  readonly responses: JsonObject;
  readonly progressToken?: RequestId;
  readonly logLevel?: LogLevel;
}

export interface CancelParkedOrder {
  readonly call: string;
}

/** What there is at a worker. */
export interface ParkedList {
  readonly kind: 'parked';
  readonly calls: readonly ParkedCallView[];
}

/** Reads what another worker has asked in place of an outcome. Undefined: it has not. */
export function readInputRequired(value: unknown): InputRequired | undefined {
  if (!isJsonObject(value) || value['kind'] !== 'asked' || !isQuestions(value['questions'])) return undefined;
  const { questions, parked } = value;
  return { kind: 'asked', questions, ...(typeof parked === 'string' && { parked }) };
}

/** Reads a call out of what another worker told. Undefined: it is none. */
export function readParkedCall(value: unknown): ParkedCallView | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, server, method, item, caller, begunAt, questions, waiting } = value;
  if (typeof id !== 'string' || typeof server !== 'string' || typeof method !== 'string') return undefined;
  if (typeof item !== 'string' || typeof caller !== 'string') return undefined;
  if (typeof begunAt !== 'number' || typeof waiting !== 'number' || !Array.isArray(questions)) return undefined;
  const methods = questions.filter((question) => typeof question === 'string');
  return { id, server, method, item, caller, begunAt, questions: methods, waiting };
}
