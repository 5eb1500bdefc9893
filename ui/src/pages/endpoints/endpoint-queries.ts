import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { allPages, api, type components } from '../../api/index.js';
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
