import { useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf, type components } from '../../api/index.js';

export type AuditRecord = components['schemas']['AuditRecord'];
export type AuditedCall = NonNullable<AuditRecord['call']>;
type AuditPage = components['schemas']['AuditPage'];
type Kind = 'change' | 'refusal' | 'call' | 'chain';

/** What is searched. An empty text filters nothing. */
export interface RecordFilter {
  readonly kind: Kind | '';
  readonly subject: string;
  readonly server: string;
  readonly item: string;
  readonly path: string;
  readonly outcome: string;
  readonly requestId: string;
  readonly session: string;
  /** How far back, in milliseconds. Empty: as far as records are kept. */
  readonly window: string;
}

const PAGE_SIZE = 100;
const MAX_RELATED = 200;

const readPage = (query: object): Promise<AuditPage> => dataOf(api.GET('/admin/v1/audit', { params: { query } }));

function toQuery({ window, ...texts }: Partial<RecordFilter>): Record<string, string> {
  const given = Object.entries(texts).filter(([, text]) => text !== '');
  const from =
    window === undefined || window === '' ? {} : { from: new Date(Date.now() - Number(window)).toISOString() };
  return { ...Object.fromEntries(given), ...from };
}

/** The newest records that match, and older ones on demand. */
export function useRecords(filter: RecordFilter) {
  return useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam }) =>
      readPage({ ...toQuery(filter), limit: PAGE_SIZE, ...(pageParam !== undefined && { cursor: pageParam }) }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
}

export function useRecord(id: string): UseQueryResult<AuditRecord> {
  return useQuery({
    queryKey: ['audit', id],
    queryFn: () => dataOf(api.GET('/admin/v1/audit/{id}', { params: { path: { id } } })),
    staleTime: Infinity,
  });
}

/** The requests that began and continued the same parked call, in their order. */
export function useRelatedRecords({ issuer, subject, call }: AuditRecord): UseQueryResult<readonly AuditRecord[]> {
  const parkedCall = call?.parkedCall;
  return useQuery({
    queryKey: ['audit', 'parked-call', parkedCall],
    queryFn: async () => {
      const query = { kind: 'call', issuer, subject, server: call?.server, item: call?.item, limit: MAX_RELATED };
      const { items } = await readPage(query);
      return items.filter((record) => record.call?.parkedCall === parkedCall).toReversed();
    },
    enabled: parkedCall !== undefined,
  });
}

/** Which uses of items are recorded: `none`, `refused` or `all`. */
export function useCallAuditMode(): UseQueryResult<string | undefined> {
  return useQuery({
    queryKey: ['settings', 'ISTHMUS_AUDIT_CALLS'],
    queryFn: async () => {
      const { items } = await dataOf(api.GET('/admin/v1/settings'));
      return items.find(({ name }) => name === 'ISTHMUS_AUDIT_CALLS')?.value ?? undefined;
    },
  });
}
