import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { McpError, type McpClient } from '../../mcp/index.js';
import { objectsOf, textOf, type JsonObject } from '../../values/index.js';

/** What can be tried, by what the address of the page calls it. */
export const KINDS = {
  tools: 'Tools',
  prompts: 'Prompts',
  resources: 'Resources',
  'resource-templates': 'Resource templates',
} as const;

export type Kind = keyof typeof KINDS;

export const toKind = (text: string): Kind => (text in KINDS ? (text as Kind) : 'tools');

export const NOUNS: Readonly<Record<Kind, string>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  'resource-templates': 'resource template',
};

/** An item that an endpoint lists. */
export interface Offered {
  /** Identifies it: a name, a URI or a URI template. */
  readonly key: string;
  readonly title: string;
  readonly description: string;
  readonly definition: JsonObject;
}

interface ListOfKind {
  readonly method: string;
  /** The member of the result that holds the list. */
  readonly member: string;
  /** The member of an item that identifies it. */
  readonly key: string;
}

const LISTS: Readonly<Record<Kind, ListOfKind>> = {
  tools: { method: 'tools/list', member: 'tools', key: 'name' },
  prompts: { method: 'prompts/list', member: 'prompts', key: 'name' },
  resources: { method: 'resources/list', member: 'resources', key: 'uri' },
  'resource-templates': { method: 'resources/templates/list', member: 'resourceTemplates', key: 'uriTemplate' },
};

const METHOD_NOT_FOUND = -32_601;
const SILENT = {
  onMessage: () => undefined,
  onNotification: () => undefined,
  onQuestion: () => Promise.reject(new Error('A list asks nothing.')),
};

/** The items of a kind that the endpoint lists. */
export function useOffered(client: McpClient, endpoint: string, kind: Kind): UseQueryResult<readonly Offered[]> {
  return useQuery({
    queryKey: ['items', 'offered', endpoint, client.era, kind],
    queryFn: ({ signal }) => readAll(client, LISTS[kind], signal),
  });
}

async function readAll(client: McpClient, list: ListOfKind, signal: AbortSignal): Promise<readonly Offered[]> {
  const offered: Offered[] = [];
  let cursor: unknown;
  do {
    const params = cursor === undefined ? {} : { cursor };
    const page = await client.request(list.method, params, { listener: SILENT, signal }).catch(asNone);
    offered.push(...objectsOf(page[list.member]).map((definition) => toOffered(definition, list)));
    cursor = page['nextCursor'];
  } while (typeof cursor === 'string');
  return offered;
}

/** A server without this kind of items does not know the method. */
function asNone(cause: unknown): JsonObject {
  if (cause instanceof McpError && cause.code === METHOD_NOT_FOUND) return {};
  throw cause;
}

function toOffered(definition: JsonObject, { key }: ListOfKind): Offered {
  const { title, name, description } = definition;
  const own = textOf(definition[key]);
  const shown = textOf(title) || textOf(name);
  return { key: own, title: shown === own ? '' : shown, description: textOf(description), definition };
}
