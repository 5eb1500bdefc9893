import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect } from 'react';
import {
  allPages,
  allWorkerPages,
  api,
  dataOf,
  queryClient,
  useLiveFigures,
  type components,
  type OfWorkers,
} from '../../api/index.js';

export type Session = components['schemas']['Session'];
export type ParkedCall = components['schemas']['ParkedCall'];
export type Approval = components['schemas']['CallApproval'];
export type Workers = components['schemas']['Workers'];
export type Worker = components['schemas']['Worker'];

const LIMIT = 200;
/** Lists also follow the live figures, so what this adds is only what has changed within an entry. */
const INTERVAL_MS = 10_000;
/** The live figures do not count approvals, and somebody waits for each. */
const APPROVALS_INTERVAL_MS = 3_000;
const LISTS = ['sessions', 'parked-calls', 'approvals', 'workers'] as const;

const refresh = (...names: readonly (typeof LISTS)[number][]): Promise<unknown> =>
  Promise.all(names.map((name) => queryClient.invalidateQueries({ queryKey: [name] })));

/** Reads the lists again as soon as the live figures say that something has begun or ended. */
export function useFreshLists(): void {
  const figures = useLiveFigures();
  const state = figures && JSON.stringify([figures.sessions, figures.parkedCalls, figures.workers]);
  useEffect(() => {
    if (state !== undefined) void refresh(...LISTS);
  }, [state]);
}

const pageOf = (cursor: string | undefined) => ({
  params: { query: { limit: LIMIT, ...(cursor !== undefined && { cursor }) } },
});

export function useSessions(): UseQueryResult<OfWorkers<Session>> {
  return useQuery({
    queryKey: ['sessions'],
    queryFn: () => allWorkerPages((cursor) => api.GET('/admin/v1/sessions', pageOf(cursor))),
    refetchInterval: INTERVAL_MS,
  });
}

export function useSession(id: string): UseQueryResult<Session> {
  return useQuery({
    queryKey: ['sessions', id],
    queryFn: () => dataOf(api.GET('/admin/v1/sessions/{id}', { params: { path: { id } } })),
    refetchInterval: INTERVAL_MS,
  });
}

export async function endSession(id: string): Promise<void> {
  await dataOf(api.DELETE('/admin/v1/sessions/{id}', { params: { path: { id } } }));
  // The page of a session that has ended is left, and must not read it again.
  await queryClient.invalidateQueries({ queryKey: ['sessions'], exact: true });
}

export function useParkedCalls(): UseQueryResult<OfWorkers<ParkedCall>> {
  return useQuery({
    queryKey: ['parked-calls'],
    queryFn: () => dataOf(api.GET('/admin/v1/parked-calls')),
    refetchInterval: INTERVAL_MS,
  });
}

export function useParkedCall(id: string): UseQueryResult<ParkedCall> {
  return useQuery({
    queryKey: ['parked-calls', id],
    queryFn: () => dataOf(api.GET('/admin/v1/parked-calls/{id}', { params: { path: { id } } })),
    refetchInterval: INTERVAL_MS,
  });
}

export async function cancelParkedCall(id: string): Promise<void> {
  await dataOf(api.DELETE('/admin/v1/parked-calls/{id}', { params: { path: { id } } }));
  await queryClient.invalidateQueries({ queryKey: ['parked-calls'], exact: true });
}

export function useApprovals(): UseQueryResult<readonly Approval[]> {
  return useQuery({
    queryKey: ['approvals'],
    queryFn: () => allPages((cursor) => api.GET('/admin/v1/approvals', pageOf(cursor))),
    refetchInterval: APPROVALS_INTERVAL_MS,
  });
}

export async function approve(id: string): Promise<void> {
  await dataOf(api.POST('/admin/v1/approvals/{id}/approve', { params: { path: { id } } }));
  await refresh('approvals');
}

export async function refuse(id: string, reason: string): Promise<void> {
  await dataOf(api.POST('/admin/v1/approvals/{id}/refuse', { params: { path: { id } }, body: { reason } }));
  await refresh('approvals');
}

export function useWorkers(): UseQueryResult<Workers> {
  return useQuery({
    queryKey: ['workers'],
    queryFn: () => dataOf(api.GET('/admin/v1/workers')),
    refetchInterval: INTERVAL_MS,
  });
}

/** @param isOnlyWorker confirms that the gateway stops */
export async function drainWorker(id: string, isOnlyWorker: boolean): Promise<void> {
  const query = isOnlyWorker ? { confirm: 'only-worker' as const } : {};
  await dataOf(api.POST('/admin/v1/workers/{id}/drain', { params: { path: { id }, query } }));
  await refresh('workers');
}
