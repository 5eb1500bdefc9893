import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  type InfiniteData,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import { allPages, api, dataOf, queryClient, versionOf, type components, type Versioned } from '../../api/index.js';
import type { Kind } from './item-kinds.js';

export type Item = components['schemas']['Item'];
export type DefinedItem = components['schemas']['DefinedItem'];
type ItemPage = components['schemas']['ItemPage'];
type Filter = NonNullable<components['schemas']['Item']['status']> | 'flagged' | 'disabled' | '';

export interface ItemKey {
  readonly kind: Kind;
  readonly server: string;
  readonly name: string;
}

export interface ItemSearch {
  readonly kind: Kind;
  readonly server: string;
  readonly state: string;
  readonly q: string;
}

const LIMIT = 200;
const ITEMS = ['items'];

/** The routes of all kinds are those of tools under another name. */
const listOf = (kind: Kind) => `/admin/v1/${kind}` as '/admin/v1/tools';
const pathOf = (kind: Kind) => `/admin/v1/${kind}/{server}/{name}` as '/admin/v1/tools/{server}/{name}';
const actPath = (kind: Kind, act: string) => `${pathOf(kind)}/${act}` as '/admin/v1/tools/{server}/{name}/enable';

const filterOf = (state: Filter) => {
  if (state === 'flagged') return { flagged: true };
  if (state === 'disabled') return { disabled: true };
  return state === '' ? {} : { status: state };
};

/** The items that match, read page by page: the API searches, so that thousands of items need not be read first. */
export function useItemSearch(search: ItemSearch): UseInfiniteQueryResult<InfiniteData<ItemPage>> {
  const { kind, server, state, q } = search;
  return useInfiniteQuery<ItemPage, Error, InfiniteData<ItemPage>, readonly unknown[], string>({
    queryKey: [...ITEMS, 'search', search],
    placeholderData: keepPreviousData,
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor,
    queryFn: ({ pageParam: cursor, signal }) =>
      dataOf(
        api.GET(listOf(kind), {
          signal,
          params: {
            query: {
              limit: LIMIT,
              ...filterOf(state as Filter),
              ...(server !== '' && { server }),
              ...(q !== '' && { q }),
              ...(cursor !== '' && { cursor }),
            },
          },
        }),
      ),
  });
}

export function useServerSlugs(): UseQueryResult<readonly string[]> {
  return useQuery({
    queryKey: ['servers', 'slugs'],
    queryFn: async () => {
      const query = (cursor: string | undefined) => ({ limit: LIMIT, ...(cursor !== undefined && { cursor }) });
      const servers = await allPages((cursor) => api.GET('/admin/v1/servers', { params: { query: query(cursor) } }));
      return servers.map(({ slug }) => slug);
    },
  });
}

export function useServer(slug: string): UseQueryResult<components['schemas']['Entry']> {
  return useQuery({
    queryKey: ['servers', 'of-item', slug],
    queryFn: () => dataOf(api.GET('/admin/v1/servers/{slug}', { params: { path: { slug } } })),
  });
}

const paramsOf = ({ server, name }: ItemKey) => ({ path: { server, name } });
const keyOf = ({ kind, server, name }: ItemKey) => [...ITEMS, kind, server, name];

const readItem = (item: ItemKey): Promise<Versioned<DefinedItem>> =>
  versionOf(api.GET(pathOf(item.kind), { params: paramsOf(item) }));

export function useItem(item: ItemKey): UseQueryResult<Versioned<DefinedItem>> {
  return useQuery({ queryKey: keyOf(item), queryFn: () => readItem(item) });
}

/** Reads an item again, for everything that shows it. */
export async function refreshItem(item: ItemKey): Promise<DefinedItem> {
  const options = { queryKey: keyOf(item), queryFn: () => readItem(item), staleTime: 0 };
  return (await queryClient.fetchQuery(options)).data;
}

const refreshItems = (): Promise<void> => queryClient.invalidateQueries({ queryKey: ITEMS });

/** Approves the definition that was shown, and no later one. */
export function useApproval(item: ItemKey): UseMutationResult<unknown, Error, string> {
  const path = `${pathOf(item.kind)}/approve` as '/admin/v1/tools/{server}/{name}/approve';
  return useMutation({
    mutationFn: (digest) => dataOf(api.POST(path, { params: paramsOf(item), body: { digest } })),
    // A refusal means that the definition has changed once more.
    onSettled: refreshItems,
  });
}

export function useSwitch(item: ItemKey): UseMutationResult<unknown, Error, 'enable' | 'disable'> {
  return useMutation({
    mutationFn: (act) => dataOf(api.POST(actPath(item.kind, act), { params: paramsOf(item) })),
    onSuccess: refreshItems,
  });
}

/** What clients see instead of the texts of the server. Empty: those of the server. */
export interface Presentation {
  readonly name: string;
  readonly description: string;
}

export async function savePresentation(item: ItemKey, { name, description }: Presentation, etag: string) {
  const path = `${pathOf(item.kind)}/presentation` as '/admin/v1/tools/{server}/{name}/presentation';
  const body = { ...(name !== '' && { name }), ...(description !== '' && { description }) };
  await dataOf(api.PUT(path, { params: { ...paramsOf(item), header: { 'if-match': etag } }, body }));
  await refreshItems();
}

/** Hides tools of a server whose definitions change, from now on and those that have changed already. */
export async function quarantineChanges(slug: string): Promise<void> {
  const params = { path: { slug } };
  const { data, etag } = await versionOf(api.GET('/admin/v1/servers/{slug}', { params }));
  const entry = { ...data.entry, toolChanges: 'quarantine' } as unknown as components['schemas']['NewServer']['entry'];
  await dataOf(
    api.PUT('/admin/v1/servers/{slug}', { params: { ...params, header: { 'if-match': etag } }, body: { entry } }),
  );
  await queryClient.invalidateQueries({ queryKey: ['servers'] });
  await refreshItems();
}
