import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { allPages, api } from './client.js';
import type { components } from './schema.js';

export type AccessToken = components['schemas']['AccessToken'];

const LIMIT = 200;
/** Key of the query of all tokens, and the begin of the keys of single ones. */
export const TOKENS = ['tokens'];

export function useTokens(enabled = true): UseQueryResult<readonly AccessToken[]> {
  return useQuery({
    queryKey: TOKENS,
    enabled,
    queryFn: () =>
      allPages((cursor) =>
        api.GET('/admin/v1/tokens', { params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } } }),
      ),
  });
}
