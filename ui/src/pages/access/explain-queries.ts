import { useMutation, useQuery, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { allPages, api, dataOf, type components } from '../../api/index.js';

export type Explanation = components['schemas']['Explanation'];
export type ExplainRequest = components['schemas']['ExplainRequest'];

const LIMIT = 200;

export function useExplanation(): UseMutationResult<Explanation, Error, ExplainRequest> {
  return useMutation({ mutationFn: (body) => dataOf(api.POST('/admin/v1/policy/explain', { body })) });
}

const page = (cursor: string | undefined) => ({ limit: LIMIT, ...(cursor !== undefined && { cursor }) });

export function useServerNames(): UseQueryResult<readonly string[]> {
  return useQuery({
    queryKey: ['servers', 'names'],
    queryFn: async () =>
      (await allPages((cursor) => api.GET('/admin/v1/servers', { params: { query: page(cursor) } }))).map(
        ({ slug }) => slug,
      ),
  });
}

export function useEndpointNames(): UseQueryResult<readonly string[]> {
  return useQuery({
    queryKey: ['virtual-servers', 'names'],
    queryFn: async () =>
      (await allPages((cursor) => api.GET('/admin/v1/virtual-servers', { params: { query: page(cursor) } }))).map(
        ({ slug }) => slug,
      ),
  });
}

export const KINDS = { tools: 'Tool', prompts: 'Prompt', resources: 'Resource' } as const;
export type Kind = keyof typeof KINDS;

/** The items that a server has listed, by the names that the server gives them. */
export function useItemNames(kind: Kind, server: string): UseQueryResult<readonly string[]> {
  return useQuery({
    queryKey: [kind, 'names', server],
    enabled: server !== '',
    queryFn: async () =>
      (
        await allPages((cursor) =>
          api.GET(`/admin/v1/${kind}` as '/admin/v1/tools', { params: { query: { server, ...page(cursor) } } }),
        )
      ).map(({ name }) => name),
  });
}
