import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf } from './client.js';
import type { components } from './schema.js';

export type ExpiringCredential = components['schemas']['ExpiringCredential'] & {
  /** When it was read. */
  readonly isExpired: boolean;
};

const LIMIT = 200;
const INTERVAL_MS = 60_000;

/** The credentials that expire soon, the first one first. */
export function useExpiringCredentials(): UseQueryResult<readonly ExpiringCredential[]> {
  return useQuery({
    queryKey: ['expiring-credentials'],
    queryFn: async () => {
      const query = { limit: LIMIT };
      const { items } = await dataOf(api.GET('/admin/v1/expiring-credentials', { params: { query } }));
      return items.map((each) => ({ ...each, isExpired: Date.parse(each.expiresAt) <= Date.now() }));
    },
    refetchInterval: INTERVAL_MS,
  });
}
