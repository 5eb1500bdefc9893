import { cleanDetail } from '../answers/index.js';
import { excessOf } from '../deep-json.js';
import { readParameterHeaders } from '../headers/index.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { ListMethod } from '../methods.js';
import type { Era } from '../neutral.js';
import {
  applyRules,
  ARGUMENT_RULES,
  PROMPT_RULES,
  RESOURCE_RULES,
  TEMPLATE_RULES,
  TOOL_RULES,
  type MemberRules,
} from './member-rules.js';
import { RepairNotes } from './repair-notes.js';
import { repairInputSchema, repairOutputSchema, TOO_LARGE } from './tool-schemas.js';

/** Maximum number of items of one page that are named in warnings. */
const MAX_WARNINGS = 20;

/** An item that clients can read, with the form in which the server listed it. */
export interface ReadableItem {
  readonly item: JsonObject;
  readonly original: JsonObject;
}

/** The readable items of a page, and a sentence about each item that was repaired or left out. */
export interface RepairedPage {
  readonly items: readonly ReadableItem[];
  readonly warnings: readonly string[];
}

interface Fault {
  readonly fault: string;
}

const LISTED: Readonly<
  Record<ListMethod, { readonly member: string; readonly noun: string; readonly rules: MemberRules }>
> = {
  'tools/list': { member: 'name', noun: 'tool', rules: TOOL_RULES },
  'prompts/list': { member: 'name', noun: 'prompt', rules: PROMPT_RULES },
  'resources/list': { member: 'uri', noun: 'resource', rules: RESOURCE_RULES },
  'resources/templates/list': { member: 'uriTemplate', noun: 'resource template', rules: TEMPLATE_RULES },
};

/**
 * Repairs the items of a page that the schemas of clients refuse, because a client refuses the whole list for one of them. What
 * has one meaning is repaired, an optional member without meaning is removed, any other item is left out. An item in order
 * stays the same object.
 */
export function repairPage(method: ListMethod, items: readonly JsonValue[], serverEra?: Era): RepairedPage {
  const readable: ReadableItem[] = [];
  const warnings = new PageWarnings(method);
  const seen = new Set<JsonValue | undefined>();
  items.forEach((original, index) => {
    const notes = new RepairNotes();
    const found = readItem(method, original, notes, serverEra);
    const id = isJsonObject(original) ? original[LISTED[method].member] : undefined;
    const fault = 'fault' in found ? found.fault : seen.has(id) ? 'an earlier one has the same name' : undefined;
    if ('fault' in found || fault !== undefined) {
      warnings.add(original, index, () => `was left out: ${fault}`);
      return;
    }
    if (!notes.isEmpty) warnings.add(original, index, () => `was repaired: ${notes.toString()}`);
    seen.add(id);
    readable.push(found);
  });
  return { items: readable, warnings: warnings.toTexts() };
}

/** Describes what happened to the first items, because that takes longer than to read an item. */
class PageWarnings {
  private readonly texts: string[] = [];
  private more = 0;

  constructor(private readonly method: ListMethod) {}

  add(item: JsonValue, index: number, what: () => string): void {
    if (this.texts.length === MAX_WARNINGS) {
      this.more += 1;
      return;
    }
    const { member, noun } = LISTED[this.method];
    const id = isJsonObject(item) ? item[member] : undefined;
    const name = typeof id === 'string' && id !== '' ? JSON.stringify(id.slice(0, 100).toWellFormed()) : `at ${index}`;
    this.texts.push(cleanDetail(`The ${noun} ${name} ${what()}.`));
  }

  toTexts(): readonly string[] {
    return this.more === 0 ? this.texts : [...this.texts, `${this.more} more items were repaired or left out.`];
  }
}

function readItem(method: ListMethod, original: JsonValue, notes: RepairNotes, serverEra?: Era): ReadableItem | Fault {
  if (!isJsonObject(original)) return { fault: 'it is not an object' };
  const excess = excessOf(original);
  if (excess) return { fault: excess === 'deep' ? 'its definition is nested too deeply' : TOO_LARGE };
  const { member, rules } = LISTED[method];
  const id = original[member];
  if (typeof id !== 'string' || id === '') return { fault: `its ${member} is not a text` };
  const item = applyRules(original, rules, (changed) => notes.add(`its ${changed} had no valid value`));
  switch (method) {
    case 'tools/list':
      return readTool(item, original, notes, serverEra);
    case 'prompts/list':
      return readPrompt(item, original, notes);
    default:
      return { item: withDisplayName(item, id, notes), original };
  }
}

function readTool(item: JsonObject, original: JsonObject, notes: RepairNotes, serverEra?: Era): ReadableItem | Fault {
  const { inputSchema, outputSchema } = item;
  const input = repairInputSchema(inputSchema, notes);
  if ('fault' in input) return input;
  const headers = readParameterHeaders(input.schema);
  if ('fault' in headers) return headers;
  const output =
    outputSchema === undefined
      ? undefined
      : repairOutputSchema(outputSchema, { notes, isAlwaysObject: serverEra === 'legacy' });
  if (input.schema === inputSchema && output === outputSchema) return { item, original };
  const { outputSchema: _replaced, ...rest } = item;
  return { item: { ...rest, inputSchema: input.schema, ...(output && { outputSchema: output }) }, original };
}

function readPrompt(item: JsonObject, original: JsonObject, notes: RepairNotes): ReadableItem | Fault {
  const { arguments: args, ...rest } = item;
  if (args === undefined) return { item, original };
  if (args === null) {
    notes.add('its arguments had no valid value');
    return { item: rest, original };
  }
  if (!Array.isArray(args)) return { fault: 'its arguments are not a list' };
  if (!args.every(isNamed)) return { fault: 'an argument of it has no name' };
  const readable = args.map((argument) =>
    applyRules(argument as JsonObject, ARGUMENT_RULES, (changed) =>
      notes.add(`the ${changed} of an argument had no valid value`),
    ),
  );
  const isSame = readable.every((argument, index) => argument === args[index]);
  return { item: isSame ? item : { ...item, arguments: readable }, original };
}

const isNamed = (argument: JsonValue): boolean => isJsonObject(argument) && typeof argument['name'] === 'string';

/** Clients require a display name beside the URI. */
function withDisplayName(item: JsonObject, uri: string, notes: RepairNotes): JsonObject {
  const { name, title } = item;
  if (typeof name === 'string') return item;
  notes.add('its name was missing');
  return { ...item, name: typeof title === 'string' ? title : uri };
}
