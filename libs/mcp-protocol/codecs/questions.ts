/** Conversion of questions of a server and answers of a client between the eras. */
import { RpcCode } from '../error-codes.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { RpcError } from '../json-rpc.js';
import type { Question } from '../neutral.js';

/**
 * Converts a question of a legacy server for a modern client: without the members that need an open stream (the id by
 * which a URL elicitation is reported as complete, the task that the answer could become).
 */
export function toModernQuestion({ method, params }: Question): Question {
  const { elicitationId: _id, task: _task, _meta, ...rest } = params;
  const kept = isJsonObject(_meta) ? withoutProgress(_meta) : undefined;
  return { method, params: kept ? { ...rest, _meta: kept } : rest };
}

function withoutProgress({ progressToken: _token, ...rest }: JsonObject): JsonObject | undefined {
  return Object.keys(rest).length > 0 ? rest : undefined;
}

/** Converts a question of a modern server for a legacy client: URL elicitations need a distinct id there. */
export function toLegacyQuestion({ method, params }: Question): Question {
  const needsId = params['mode'] === 'url' && params['elicitationId'] === undefined;
  return needsId ? { method, params: { ...params, elicitationId: crypto.randomUUID() } } : { method, params };
}

/**
 * Converts an answer of a modern client for a legacy server: older revisions know one block of content only. Undefined
 * if the value is not an answer to such a question (client/elicitation, client/sampling, client/roots).
 */
export function toLegacyAnswer(method: string, value: JsonValue | undefined): JsonObject | undefined {
  if (!isJsonObject(value)) return undefined;
  switch (method) {
    case 'elicitation/create':
      return isElicited(value) ? value : undefined;
    case 'sampling/createMessage':
      return isMessage(value) ? withSingleBlock(value) : undefined;
    case 'roots/list':
      return Array.isArray(value['roots']) ? value : undefined;
    default:
      return undefined;
  }
}

const ACTIONS: ReadonlySet<unknown> = new Set(['accept', 'decline', 'cancel']);

function isElicited({ action, content }: JsonObject): boolean {
  return ACTIONS.has(action) && (content === undefined || isJsonObject(content));
}

function isMessage({ role, content, model }: JsonObject): boolean {
  return typeof role === 'string' && typeof model === 'string' && (isJsonObject(content) || Array.isArray(content));
}

function withSingleBlock(message: JsonObject): JsonObject {
  const { content } = message;
  const [block] = Array.isArray(content) ? content : [];
  return Array.isArray(content) && content.length === 1 && block !== undefined
    ? { ...message, content: block }
    : message;
}

/**
 * Converts the URL elicitations that a legacy server requires before a call (2025-11-25: client/elicitation, URL
 * Elicitation Required Error) to questions for a modern client, by the keys of their answers. Undefined for any other
 * error, and for one without URL elicitations.
 */
export function toUrlElicitations({ code, data }: RpcError): Record<string, Question> | undefined {
  if (code !== RpcCode.urlElicitationRequired || !isJsonObject(data)) return undefined;
  const { elicitations } = data;
  const elicitationParams = (Array.isArray(elicitations) ? elicitations : []).filter(isUrlElicitation);
  if (elicitationParams.length === 0) return undefined;
  const questions = elicitationParams.map((params) => toModernQuestion({ method: 'elicitation/create', params }));
  return Object.fromEntries(questions.map((question, index) => [`visit-${index + 1}`, question]));
}

function isUrlElicitation(value: JsonValue): value is JsonObject {
  return isJsonObject(value) && value['mode'] === 'url' && typeof value['url'] === 'string';
}
