import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { allWorkerPages, api, dataOf, queryClient, type components, type OfWorkers } from '../../api/index.js';

export type Connection = components['schemas']['UpstreamSession'];

const LIMIT = 200;
const INTERVAL_MS = 10_000;
/** Pages of servers read the same list in another form. */
const LIST = ['upstream-sessions', 'list'];

export function useConnections(): UseQueryResult<OfWorkers<Connection>> {
  return useQuery({
    queryKey: LIST,
    queryFn: () =>
      allWorkerPages((cursor) =>
        api.GET('/admin/v1/upstream-sessions', {
          params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } },
        }),
      ),
    refetchInterval: INTERVAL_MS,
  });
}

export function useConnection(id: string): UseQueryResult<Connection> {
  return useQuery({
    queryKey: ['upstream-sessions', id],
    queryFn: () => dataOf(api.GET('/admin/v1/upstream-sessions/{id}', { params: { path: { id } } })),
    refetchInterval: INTERVAL_MS,
  });
}

export async function disconnect(id: string): Promise<void> {
  await dataOf(api.DELETE('/admin/v1/upstream-sessions/{id}', { params: { path: { id } } }));
  await queryClient.invalidateQueries({ queryKey: LIST });
}
