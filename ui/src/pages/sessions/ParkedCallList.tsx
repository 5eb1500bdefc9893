import { useMemo } from 'react';
import {
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
import { useParkedCalls, type ParkedCall } from './session-queries.js';
import { SessionTabs } from './SessionTabs.js';
import { textOfQuestions } from './waits.js';
import { useWorkerFilter, WorkerFilter } from './WorkerFilter.js';

const COLUMNS: readonly Column<ParkedCall>[] = [
  {
    id: 'item',
    title: 'Call',
    text: ({ item, server }) => `${item} of ${server}`,
  },
  {
    id: 'waits',
    title: 'Waits for',
    text: ({ questions }) => textOfQuestions(questions),
    cell: ({ questions }) => <span title={questions.join(', ')}>{textOfQuestions(questions)}</span>,
  },
  {
    id: 'caller',
    title: 'Caller',
    text: ({ principal }) => principal,
    cell: ({ principal }) => <Caller principal={principal} />,
    priority: 2,
  },
  {
    id: 'since',
    title: 'Since',
    width: '14rem',
    text: ({ begunAt }) => begunAt,
    cell: ({ begunAt }) => <Time at={begunAt} />,
    priority: 3,
  },
  {
    id: 'worker',
    title: 'Owner',
    width: '7rem',
    text: ({ worker }) => worker,
    cell: ({ worker }) => <ShortId id={worker} />,
    priority: 3,
  },
];

export function ParkedCallList() {
  const calls = useParkedCalls();
  const [search, setSearch] = useQueryParameter('q');
  const [worker] = useWorkerFilter();
  const shown = useMemo(
    () => calls.data?.items.filter((call) => worker === '' || call.worker === worker) ?? [],
    [calls.data, worker],
  );
  return (
    <>
      <SessionTabs>
        Calls that are open at their servers and wait for an answer of their clients, oldest first.
      </SessionTabs>
      <QueryView query={calls} what="the parked calls">
        {({ items, silentWorkers }) => (
          <>
            <SilentWorkers workers={silentWorkers} />
            <DataTable
              label="parked calls"
              rows={shown}
              columns={COLUMNS}
              keyOf={({ id }) => id}
              pathOf={({ id }) => `/sessions/parked-calls/${id}`}
              search={search}
              onSearch={setSearch}
              filters={<WorkerFilter />}
              empty={items.length === 0 ? <NoParkedCalls /> : undefined}
            />
          </>
        )}
      </QueryView>
    </>
  );
}

function NoParkedCalls() {
  return (
    <EmptyState title="No call is parked.">
      A call is parked while a legacy server asks something of a modern client: its user, its model or its folders. It
      appears here until the client has answered.
    </EmptyState>
  );
}
