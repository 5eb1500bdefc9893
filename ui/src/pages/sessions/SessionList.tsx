import { useMemo } from 'react';
import {
  Badge,
  Caller,
  DataTable,
  EmptyState,
  QueryView,
  ShortId,
  SilentWorkers,
  Time,
  type Column,
} from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { useSessions, type Session } from './session-queries.js';
import { SessionTabs } from './SessionTabs.js';
import { useWorkerFilter, WorkerFilter } from './WorkerFilter.js';

const COLUMNS: readonly Column<Session>[] = [
  {
    id: 'client',
    title: 'Client',
    text: ({ client = 'unnamed' }) => client,
  },
  {
    id: 'caller',
    title: 'Caller',
    text: ({ principal }) => principal,
    cell: ({ principal }) => <Caller principal={principal} />,
  },
  { id: 'endpoint', title: 'Endpoint', text: ({ endpoint }) => endpoint, priority: 2 },
  {
    id: 'worker',
    title: 'Owner',
    width: '7rem',
    text: ({ worker }) => worker,
    cell: ({ worker }) => <ShortId id={worker} />,
    priority: 2,
  },
  {
    id: 'stream',
    title: 'Stream',
    width: '7rem',
    text: ({ isAttached }) => (isAttached ? 'open' : 'none'),
    cell: ({ isAttached }) => <Badge tone={isAttached ? 'good' : 'neutral'}>{isAttached ? 'open' : 'none'}</Badge>,
    priority: 3,
  },
  { id: 'calls', title: 'Calls', width: '5rem', text: ({ callsInFlight }) => callsInFlight },
  {
    id: 'used',
    title: 'Last used',
    width: '14rem',
    text: ({ lastUsedAt }) => lastUsedAt,
    cell: ({ lastUsedAt }) => <Time at={lastUsedAt} />,
    priority: 3,
  },
];

export function SessionList() {
  const sessions = useSessions();
  const [search, setSearch] = useQueryParameter('q');
  const [worker] = useWorkerFilter();
  const shown = useMemo(
    () => sessions.data?.items.filter((session) => worker === '' || session.worker === worker) ?? [],
    [sessions.data, worker],
  );
  return (
    <>
      <SessionTabs>Who is connected, which worker owns each session, and what waits for somebody.</SessionTabs>
      <QueryView query={sessions} what="the sessions">
        {({ items, silentWorkers }) => (
          <>
            <SilentWorkers workers={silentWorkers} />
            <DataTable
              label="sessions"
              rows={shown}
              columns={COLUMNS}
              keyOf={({ id }) => id}
              pathOf={({ id }) => `/sessions/${id}`}
              search={search}
              onSearch={setSearch}
              filters={<WorkerFilter />}
              empty={items.length === 0 ? <NoSessions /> : undefined}
            />
          </>
        )}
      </QueryView>
    </>
  );
}

function NoSessions() {
  return (
    <EmptyState title="No client has a session.">
      Clients of the legacy era open one with their first request, and it appears here. Modern clients need none: their
      calls show under Parked calls while they wait for somebody.
    </EmptyState>
  );
}
