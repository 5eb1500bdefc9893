import { META } from './codecs/index.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/** Members in which null means absent: the members of the object itself, or those of every object below too. */
type Depth = 'own' | 'all';
type Nested = ReadonlyMap<string, Depth>;

const NOTHING: Nested = new Map([]);

/** Members of capabilities whose values belong to vendors. */
const VENDOR_MEMBERS: ReadonlySet<string> = new Set(['experimental', 'extensions']);

/** Members of `_meta` that the protocol defines. The others belong to vendors, whose null may be data. */
const META_MEMBERS: ReadonlySet<string> = new Set(['progressToken', META.clientInfo, META.logLevel]);
const META_NESTED: Nested = new Map([
  [META.clientInfo, 'all'],
  [META.clientCapabilities, 'all'],
]);

/** Optional members of the answers to questions. */
const ANSWER_MEMBERS: ReadonlySet<string> = new Set(['_meta', 'content', 'stopReason']);

/** The methods whose params the protocol defines, and have no member that is an object with optional members. */
const UNNESTED_METHODS = [
  'ping',
  'server/discover',
  'logging/setLevel',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/get',
  'tasks/result',
  'tasks/list',
  'tasks/update',
  'tasks/cancel',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/tasks/status',
];

/** All methods whose params the protocol defines, with the members of the params that are objects. */
const PARAMS: ReadonlyMap<string, Nested> = new Map<string, Nested>([
  ['initialize', nested({ capabilities: 'all', clientInfo: 'all' })],
  // The arguments of tools are data, in which null has a meaning.
  ['tools/call', nested({ task: 'own' })],
  ['prompts/get', nested({ arguments: 'own' })],
  ['completion/complete', nested({ ref: 'own', argument: 'own', context: 'all' })],
  ['subscriptions/listen', nested({ notifications: 'own' })],
  ...UNNESTED_METHODS.map((method) => [method, NOTHING] as const),
]);

function nested(depths: Readonly<Record<string, Depth>>): Nested {
  return new Map(Object.entries(depths));
}

/**
 * Returns a client's message without the optional members that are null: they count as absent, because many clients
 * serialize absent values so. Returns the same value if nothing changes. The arguments of tools, vendors' members of `_meta`
 * and the params of methods that the protocol does not define keep their null.
 */
export function withoutNullMembers(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  const message = hasNullMember(value) ? withoutOwnNulls(value) : value;
  const { method, params, result } = message;
  if (isJsonObject(result)) return replaced(message, 'result', withoutNulls(result, NOTHING, ANSWER_MEMBERS));
  if (typeof method !== 'string' || !isJsonObject(params)) return message;
  const members = PARAMS.get(method);
  if (members === undefined) return replaced(message, 'params', withoutNullMeta(params));
  return replaced(message, 'params', withoutNullMeta(withAnswers(withoutNulls(params, members))));
}

const replaced = (holder: JsonObject, member: string, value: JsonObject): JsonObject =>
  holder[member] === value ? holder : { ...holder, [member]: value };

/** A modern client answers questions in the params of its repeated call. */
function withAnswers(params: JsonObject): JsonObject {
  const { inputResponses } = params;
  if (!isJsonObject(inputResponses)) return params;
  const answers = Object.entries(inputResponses).map(([key, answer]) => [
    key,
    isJsonObject(answer) ? withoutNulls(answer, NOTHING, ANSWER_MEMBERS) : answer,
  ]);
  return { ...params, inputResponses: Object.fromEntries(answers) as JsonObject };
}

/** A null id is no absent id: it makes a request that cannot be answered. */
const hasNullMember = ({ params, result, error }: JsonObject): boolean =>
  params === null || result === null || error === null;

function withoutOwnNulls(message: JsonObject): JsonObject {
  const copy = { ...message };
  for (const member of ['params', 'result', 'error']) if (copy[member] === null) delete copy[member];
  return copy;
}

function withoutNullMeta(params: JsonObject): JsonObject {
  const meta = params['_meta'];
  if (meta === null) {
    const { _meta, ...rest } = params;
    return rest;
  }
  if (!isJsonObject(meta)) return params;
  const known = withoutNulls(meta, META_NESTED, META_MEMBERS);
  return known === meta ? params : { ...params, _meta: known };
}

/** Removes the members that are null, or only those of them in `removable`. */
function withoutNulls(holder: JsonObject, below: Nested | 'all', removable?: ReadonlySet<string>): JsonObject {
  let copy: JsonObject | undefined;
  for (const member of Object.keys(holder)) {
    const value = holder[member];
    if (value === null) {
      if (removable?.has(member) === false) continue;
      copy ??= { ...holder };
      delete copy[member];
    } else if (typeof value === 'object') {
      const known = withoutNullsBelow(value, depthOf(member, below));
      if (known === value) continue;
      copy ??= { ...holder };
      copy[member] = known;
    }
  }
  return copy ?? holder;
}

function depthOf(member: string, below: Nested | 'all'): Depth | undefined {
  if (below !== 'all') return below.get(member);
  return VENDOR_MEMBERS.has(member) ? 'own' : 'all';
}

function withoutNullsBelow(value: JsonValue, depth: Depth | undefined): JsonValue {
  if (depth === undefined) return value;
  if (isJsonObject(value)) return withoutNulls(value, depth === 'all' ? 'all' : NOTHING);
  if (!Array.isArray(value)) return value;
  const items = value.map((item) => withoutNullsBelow(item, depth));
  return items.some((item, index) => item !== value[index]) ? items : value;
}
