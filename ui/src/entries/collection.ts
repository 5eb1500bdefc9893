import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { allPages, api, dataOf, queryClient, versionOf, type components, type Versioned } from '../api/index.js';
import type { EntryDraft, StoredEntry } from '../components/index.js';

/** Collections of entries with the same routes. */
export type Collection = 'policies' | 'teams' | 'limits' | 'guardrails' | 'virtual-servers';
export type EntryView = components['schemas']['Entry'];
type Body = components['schemas']['NewPolicy']['entry'];

const LIMIT = 200;

/** The routes of all collections are alike, except for what their entries contain. */
const pathOf = (collection: Collection) => `/admin/v1/${collection}` as '/admin/v1/policies';

export function useEntries(collection: Collection): UseQueryResult<readonly EntryView[]> {
  return useQuery({
    queryKey: [collection],
    queryFn: () =>
      allPages((cursor) =>
        api.GET(pathOf(collection), {
          params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } },
        }),
      ),
  });
}

export function useEntry(collection: Collection, slug: string): UseQueryResult<Versioned<EntryView>> {
  return useQuery({ queryKey: [collection, slug], queryFn: () => readEntry(collection, slug) });
}

const readEntry = (collection: Collection, slug: string): Promise<Versioned<EntryView>> =>
  versionOf(api.GET(`${pathOf(collection)}/{slug}`, { params: { path: { slug } } }));

/** The entry with its current version, for a change. */
export async function readStoredEntry(collection: Collection, slug: string): Promise<StoredEntry> {
  const { data, etag } = await readEntry(collection, slug);
  return { slug, entry: data.entry ?? {}, etag };
}

/** Creates an entry, or replaces the version that `etag` names. */
export async function saveEntry(
  collection: Collection,
  { slug, entry }: EntryDraft,
  etag: string | undefined,
): Promise<void> {
  const body = entry as unknown as Body;
  const path = pathOf(collection);
  if (etag === undefined) await dataOf(api.POST(path, { body: { slug, entry: body } }));
  else {
    const params = { path: { slug }, header: { 'if-match': etag } };
    await dataOf(api.PUT(`${path}/{slug}`, { params, body: { entry: body } }));
  }
  await queryClient.invalidateQueries({ queryKey: [collection] });
}

export async function deleteEntry(collection: Collection, slug: string, etag: string): Promise<void> {
  const params = { path: { slug }, header: { 'if-match': etag } };
  await dataOf(api.DELETE(`${pathOf(collection)}/{slug}`, { params }));
  // The page of a deleted entry is left, and must not read it again.
  await queryClient.invalidateQueries({ queryKey: [collection], exact: true });
}
