import { useMutation, useQuery, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { allPages, api, dataOf, queryClient, versionOf, type components, type Versioned } from '../../api/index.js';
import type { EntryDraft, StoredEntry } from '../../components/index.js';
import { textsOf, type JsonObject } from '../../values/index.js';

export type Endpoint = components['schemas']['Entry'];
export type Item = components['schemas']['Item'];
type EndpointBody = components['schemas']['NewVirtualServer']['entry'];

const LIMIT = 200;
const ENDPOINTS = ['virtual-servers'];

const page = (cursor: string | undefined) => ({
  params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } },
});

export function useEndpoints(): UseQueryResult<readonly Endpoint[]> {
  return useQuery({
    queryKey: ENDPOINTS,
    queryFn: () => allPages((cursor) => api.GET('/admin/v1/virtual-servers', page(cursor))),
  });
}

export function useEndpoint(slug: string): UseQueryResult<Versioned<Endpoint>> {
  return useQuery({ queryKey: [...ENDPOINTS, slug], queryFn: () => readEndpoint(slug) });
}

const readEndpoint = (slug: string): Promise<Versioned<Endpoint>> =>
  versionOf(api.GET('/admin/v1/virtual-servers/{slug}', { params: { path: { slug } } }));

/** The entry with its current version, for a change. */
export async function readStoredEndpoint(slug: string): Promise<StoredEntry> {
  const { data, etag } = await readEndpoint(slug);
  return { slug, entry: data.entry ?? {}, etag };
}

export async function saveEndpoint({ slug, entry }: EntryDraft, etag: string | undefined): Promise<void> {
  const body = entry as EndpointBody;
  if (etag === undefined) await dataOf(api.POST('/admin/v1/virtual-servers', { body: { slug, entry: body } }));
  else {
    const params = { path: { slug }, header: { 'if-match': etag } };
    await dataOf(api.PUT('/admin/v1/virtual-servers/{slug}', { params, body: { entry: body } }));
  }
  await queryClient.invalidateQueries({ queryKey: ENDPOINTS });
}

export function useEndpointDeletion(slug: string, etag: string): UseMutationResult<unknown, Error, void> {
  return useMutation({
    mutationFn: () =>
      dataOf(
        api.DELETE('/admin/v1/virtual-servers/{slug}', { params: { path: { slug }, header: { 'if-match': etag } } }),
      ),
    // The page of a deleted endpoint is left, and must not read it again.
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ENDPOINTS, exact: true }),
  });
}

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
    queryKey: ['items'],
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
