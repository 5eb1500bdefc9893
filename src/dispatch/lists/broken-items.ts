import { Logger } from '@nestjs/common';
import {
  cleanDetail,
  GatewayCode,
  isJsonObject,
  isTooDeep,
  LIST_MEMBERS,
  metaOf,
  readParameterHeaders,
  type JsonObject,
  type JsonValue,
  type ListMethod,
  type Outcome,
} from '#lib/mcp-protocol';

/** The `_meta` key of the warnings of a list: servers and items that are missing from it. */
const WARNINGS_META = 'isthmus/warnings';
/** Maximum number of items of one page that are named in warnings. */
const MAX_WARNINGS = 20;
/** Maximum number of warnings that are remembered, so that each is logged once. */
const MAX_LOGGED = 1_000;

/** The member that identifies an item, and its noun in warnings. */
const IDENTITY: Readonly<Record<ListMethod, { readonly member: string; readonly noun: string }>> = {
  'tools/list': { member: 'name', noun: 'tool' },
  'prompts/list': { member: 'name', noun: 'prompt' },
  'resources/list': { member: 'uri', noun: 'resource' },
  'resources/templates/list': { member: 'uriTemplate', noun: 'resource template' },
};

/** Returns the warnings of a page. Only the gateway can have written them. */
export function warningsOf(result: JsonObject): JsonObject[] {
  const warnings = metaOf(result)[WARNINGS_META];
  return Array.isArray(warnings) ? warnings.filter(isJsonObject) : [];
}

/** Returns the result with these warnings. */
export function withWarnings(result: JsonObject, warnings: readonly JsonObject[]): JsonObject {
  const { [WARNINGS_META]: _replaced, ...meta } = metaOf(result);
  if (warnings.length > 0) return { ...result, _meta: { ...meta, [WARNINGS_META]: [...warnings] } };
  const { _meta, ...rest } = result;
  return Object.keys(meta).length > 0 ? { ...rest, _meta: meta } : rest;
}

/** Leaves out items with a broken definition, which would make a client reject the whole list, and warns of them. */
export class BrokenItems {
  private readonly logger = new Logger('Lists');
  private readonly logged = new Set<string>();

  /** Returns the same outcome when no item is broken. */
  remove(server: string, method: ListMethod, outcome: Outcome): Outcome {
    const items = outcome.kind === 'result' ? outcome.result[LIST_MEMBERS[method]] : undefined;
    if (outcome.kind !== 'result' || !Array.isArray(items)) return outcome;
    const faults = findFaults(method, items);
    if (faults.size === 0) return outcome;
    const messages = [...faults].map(([index, fault]) => describe(method, items[index], index, fault));
    for (const message of messages) this.log(`${server}: ${message}`);
    const kept = items.filter((_item, index) => !faults.has(index));
    const warnings = messages.slice(0, MAX_WARNINGS).map((message) => toWarning(server, message));
    if (messages.length > MAX_WARNINGS)
      warnings.push(toWarning(server, `${messages.length - MAX_WARNINGS} more items were left out.`));
    return { ...outcome, result: withWarnings({ ...outcome.result, [LIST_MEMBERS[method]]: kept }, warnings) };
  }

  private log(message: string): void {
    if (this.logged.has(message)) return;
    if (this.logged.size >= MAX_LOGGED) this.logged.clear();
    this.logged.add(message);
    this.logger.warn(message);
  }
}

const toWarning = (server: string, message: string): JsonObject => ({
  server,
  code: GatewayCode.upstreamBrokeProtocol,
  message,
});

function findFaults(method: ListMethod, items: readonly JsonValue[]): ReadonlyMap<number, string> {
  const faults = new Map<number, string>();
  const seen = new Set<JsonValue | undefined>();
  items.forEach((item, index) => {
    const id = isJsonObject(item) ? item[IDENTITY[method].member] : undefined;
    const fault = findFault(method, item) ?? (seen.has(id) ? 'an earlier one has the same name' : undefined);
    if (fault === undefined) seen.add(id);
    else faults.set(index, fault);
  });
  return faults;
}

function findFault(method: ListMethod, item: JsonValue): string | undefined {
  if (!isJsonObject(item)) return 'it is not an object';
  if (isTooDeep(item)) return 'its definition is nested too deeply';
  const { member } = IDENTITY[method];
  const id = item[member];
  if (typeof id !== 'string' || id === '') return `its ${member} is not a text`;
  if (method === 'tools/list') return findSchemaFault(item);
  const { arguments: args } = item;
  const isBroken = method === 'prompts/list' && Array.isArray(args) && !args.every(isNamed);
  return isBroken ? 'an argument of it has no name' : undefined;
}

const isNamed = (argument: JsonValue): boolean => isJsonObject(argument) && typeof argument['name'] === 'string';

function findSchemaFault({ inputSchema }: JsonObject): string | undefined {
  if (inputSchema === undefined) return undefined;
  if (!isJsonObject(inputSchema)) return 'its inputSchema is not an object';
  const { type } = inputSchema;
  if (type !== undefined && type !== 'object') return 'the type of its inputSchema is not object';
  const reading = readParameterHeaders(inputSchema);
  return 'fault' in reading ? reading.fault : undefined;
}

function describe(method: ListMethod, item: JsonValue | undefined, index: number, fault: string): string {
  const { member, noun } = IDENTITY[method];
  const id = isJsonObject(item) ? item[member] : undefined;
  const name = typeof id === 'string' && id !== '' ? JSON.stringify(id.slice(0, 100).toWellFormed()) : `at ${index}`;
  return cleanDetail(`The ${noun} ${name} was left out: ${fault}.`);
}
