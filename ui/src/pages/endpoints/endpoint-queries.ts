import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { allPages, api, type components } from '../../api/index.js';
import type { CallerChoice } from '../../entries/index.js';
import { textsOf, type JsonObject } from '../../values/index.js';

export type Item = components['schemas']['Item'];

const LIMIT = 200;

const page = (cursor: string | undefined) => ({
  params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } },
});

/** A server that an endpoint can select. */
export interface SelectableServer {
  readonly slug: string;
  readonly tags: readonly string[];
}

export function useSelectableServers(): UseQueryResult<readonly SelectableServer[]> {
  return useQuery({
    queryKey: ['servers', 'selectable'],
    queryFn: async () => {
      const servers = await allPages((cursor) => api.GET('/admin/v1/servers', page(cursor)));
      return servers.map(({ slug, entry }) => ({ slug, tags: textsOf((entry as JsonObject | null)?.['tags']) }));
    },
  });
}

export const ITEM_KINDS = ['tools', 'prompts', 'resources'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];
export type Items = Readonly<Record<ItemKind, readonly Item[]>>;

/** All items that the servers list. */
export function useItems(): UseQueryResult<Items> {
  return useQuery({
    queryKey: ['items', 'all'],
    queryFn: async () => {
      const [tools, prompts, resources] = await Promise.all([
        allPages((cursor) => api.GET('/admin/v1/tools', page(cursor))),
        allPages((cursor) => api.GET('/admin/v1/prompts', page(cursor))),
        allPages((cursor) => api.GET('/admin/v1/resources', page(cursor))),
      ]);
      return { tools, prompts, resources };
    },
  });
}

export type VisibleItem = components['schemas']['VisibleItem'];
export type VisibleKind = NonNullable<components['schemas']['VisibleItemsRequest']['kind']>;

/** What a caller sees, or why the endpoint refuses the caller. */
export interface VisibleList {
  readonly rows: readonly VisibleItem[];
  readonly refusal: string | undefined;
}

/** The items that a list of the caller contains at a stored endpoint. */
export function useVisibleItems(
  endpoint: string,
  kind: VisibleKind,
  caller: CallerChoice,
): UseQueryResult<VisibleList> {
  return useQuery({
    queryKey: ['visible-items', endpoint, kind, caller],
    queryFn: async () => {
      let refusal: string | undefined;
      const rows = await allPages(async (cursor) => {
        const body = { ...caller, endpoint, kind, limit: LIMIT, ...(cursor !== undefined && { cursor }) };
        const answer = await api.POST('/admin/v1/policy/visible-items', { body });
        refusal = answer.data?.refusal;
        return answer;
      });
      return { rows, refusal };
    },
  });
}
