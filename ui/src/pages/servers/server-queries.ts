import { useMutation, useQuery, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { allPages, api, dataOf, queryClient, versionOf, type components, type Versioned } from '../../api/index.js';
import type { EntryDraft, StoredEntry } from '../../components/index.js';

export type Server = components['schemas']['Entry'];
export type ServerHealth = components['schemas']['ServerHealthSummary'];
export type UpstreamSession = components['schemas']['UpstreamSession'];
export type Trial = components['schemas']['Trial'];
export type ImportedServer = components['schemas']['ImportedServer'];
export type ServerJsonDraft = components['schemas']['ServerJsonDraft'];
export type ServerJsonInput = ServerJsonDraft['inputs'][number];
type ServerBody = components['schemas']['NewServer']['entry'];

const LIMIT = 200;
const INTERVAL_MS = 10_000;

export const refreshServers = (): Promise<unknown> =>
  Promise.all(
    [['servers'], ['health'], ['upstream-sessions']].map((queryKey) => queryClient.invalidateQueries({ queryKey })),
  );

export function useServers(): UseQueryResult<readonly Server[]> {
  return useQuery({
    queryKey: ['servers'],
    queryFn: () =>
      allPages((cursor) =>
        api.GET('/admin/v1/servers', { params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } } }),
      ),
  });
}

export function useServer(slug: string): UseQueryResult<Versioned<Server>> {
  return useQuery({ queryKey: ['servers', 'entry', slug], queryFn: () => readServer(slug) });
}

const readServer = (slug: string): Promise<Versioned<Server>> =>
  versionOf(api.GET('/admin/v1/servers/{slug}', { params: { path: { slug } } }));

/** The entry with its current version, for a change. */
export async function readStoredServer(slug: string): Promise<StoredEntry> {
  const { data, etag } = await readServer(slug);
  return { slug, entry: data.entry ?? {}, etag };
}

/** The health of all servers by their slugs. */
export function useServersHealth(): UseQueryResult<ReadonlyMap<string, ServerHealth>> {
  return useQuery({
    queryKey: ['health'],
    queryFn: async () => {
      const { items } = await dataOf(api.GET('/admin/v1/health'));
      return new Map(items.map((health) => [health.server, health]));
    },
    refetchInterval: INTERVAL_MS,
  });
}

/** The era in which the gateway speaks to each server that it is connected to. */
export function useServerEras(): UseQueryResult<ReadonlyMap<string, string>> {
  return useQuery({
    queryKey: ['upstream-sessions'],
    queryFn: async () => {
      const sessions = await allPages((cursor) =>
        api.GET('/admin/v1/upstream-sessions', {
          params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } },
        }),
      );
      return new Map(sessions.map(({ server, era, revision }) => [server, `${era}, ${revision}`]));
    },
    refetchInterval: INTERVAL_MS,
  });
}

export async function saveServer({ slug, entry }: EntryDraft, etag: string | undefined): Promise<void> {
  const body = entry as unknown as ServerBody;
  if (etag === undefined) await dataOf(api.POST('/admin/v1/servers', { body: { slug, entry: body } }));
  else {
    const params = { path: { slug }, header: { 'if-match': etag } };
    await dataOf(api.PUT('/admin/v1/servers/{slug}', { params, body: { entry: body } }));
  }
  await refreshServers();
}

/** Connects to a server that need not be saved. */
export function useDraftTest(): UseMutationResult<Trial, Error, EntryDraft> {
  return useMutation({
    mutationFn: ({ slug, entry }) =>
      dataOf(api.POST('/admin/v1/servers/test', { body: { slug, entry: entry as unknown as ServerBody } })),
  });
}

export function useServerTest(slug: string): UseMutationResult<Trial, Error, void> {
  return useMutation({
    mutationFn: () => dataOf(api.POST('/admin/v1/servers/{slug}/test', { params: { path: { slug } } })),
    onSettled: refreshServers,
  });
}

export type ServerAct = 'refresh' | 'enable' | 'disable' | 'delete';

/** What can be done with a stored server. */
export function useServerAct(slug: string, etag: string): UseMutationResult<unknown, Error, ServerAct> {
  const params = { path: { slug } };
  const acts: Readonly<Record<ServerAct, () => Promise<unknown>>> = {
    refresh: () => dataOf(api.POST('/admin/v1/servers/{slug}/refresh', { params })),
    enable: () => dataOf(api.POST('/admin/v1/servers/{slug}/enable', { params })),
    disable: () => dataOf(api.POST('/admin/v1/servers/{slug}/disable', { params })),
    delete: () =>
      dataOf(api.DELETE('/admin/v1/servers/{slug}', { params: { ...params, header: { 'if-match': etag } } })),
  };
  return useMutation({
    mutationFn: (act) => acts[act](),
    // The page of a deleted server is left, and must not read it again.
    onSuccess: (_data, act) =>
      act === 'delete'
        ? queryClient.invalidateQueries({ queryKey: ['servers'], predicate: ({ queryKey }) => queryKey[1] !== 'entry' })
        : refreshServers(),
  });
}

interface ImportRequest {
  readonly document: string;
  readonly operations: readonly string[];
  readonly url: string;
}

/** Converts an OpenAPI document to the entry of a server. Nothing is stored. */
export function useOpenApiImport(): UseMutationResult<ImportedServer, Error, ImportRequest> {
  return useMutation({
    mutationFn: ({ document, operations, url }) =>
      dataOf(
        api.POST('/admin/v1/openapi-imports', {
          body: {
            document,
            ...(operations.length > 0 && { operations: [...operations] }),
            ...(url !== '' && { url }),
          },
        }),
      ),
  });
}

interface ServerJsonRequest {
  readonly document: string;
  readonly choice?: string;
  readonly inputs: Readonly<Record<string, string | string[]>>;
}

/** Converts a server.json to the entry of a server. Nothing is stored, fetched or started. */
export function useServerJsonImport(): UseMutationResult<ServerJsonDraft, Error, ServerJsonRequest> {
  return useMutation({
    mutationFn: (request) => dataOf(api.POST('/admin/v1/server-json-imports', { body: { ...request } })),
  });
}

/** What a draft does not contain: members of its package or remote, and whole packages and remotes. */
export const leftOutOf = ({ skipped, choices }: ServerJsonDraft) => [
  ...skipped.map(({ member, reason }) => ({ place: member, reason })),
  ...choices.flatMap(({ label, unsupported }) =>
    unsupported === undefined ? [] : [{ place: label, reason: unsupported }],
  ),
];
