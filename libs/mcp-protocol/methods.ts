import { isJsonObject, type JsonObject } from './json.js';

/** The four list methods, and the member of their results that contains the items. */
export const LIST_MEMBERS = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
} as const;

export type ListMethod = keyof typeof LIST_MEMBERS;

export function isListMethod(method: string): method is ListMethod {
  return Object.hasOwn(LIST_MEMBERS, method);
}

/** Returns the server capability that a method belongs to; a server that does not declare it has nothing to list. */
export function capabilityOf(method: string): string | undefined {
  const [family] = method.split('/');
  return family === 'completion' ? 'completions' : family;
}

/**
 * Returns the client capability that a question needs (specification: client/elicitation, client/sampling,
 * client/roots).
 */
export function capabilityOfQuestion(method: string): string | undefined {
  switch (method) {
    case 'elicitation/create':
      return 'elicitation';
    case 'sampling/createMessage':
      return 'sampling';
    case 'roots/list':
      return 'roots';
    default:
      return undefined;
  }
}

const QUESTION_CAPABILITIES = ['elicitation', 'sampling', 'roots'] as const;

/** True if the client declared the capability to answer any kind of question. */
export function canAnswerQuestions(capabilities: JsonObject): boolean {
  return QUESTION_CAPABILITIES.some((capability) => isJsonObject(capabilities[capability]));
}

/** Requests that a server may end with questions (specification 2026: basic/patterns/mrtr, Supported Requests). */
const INPUT_METHODS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

export function canRequireInput(method: string): boolean {
  return INPUT_METHODS.has(method);
}

/** True for a result that asks the client to repeat its request with answers. In a result of a legacy server it means nothing. */
export const requiresInput = (result: JsonObject): boolean => result['resultType'] === 'input_required';

/** Returns `_meta` of the params; an empty object if it is missing or not an object. */
export function metaOf(holder: JsonObject): JsonObject {
  const meta = holder['_meta'];
  return typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? meta : {};
}
