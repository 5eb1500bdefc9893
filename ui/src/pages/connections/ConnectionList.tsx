import { useMemo } from 'react';
import {
  DataTable,
  EmptyState,
  PageHeader,
  QueryView,
  ShortId,
  SilentWorkers,
  Time,
  type Column,
} from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { useConnections, type Connection } from './connection-queries.js';
import { CredentialExpiry } from './CredentialExpiry.js';
import { ConnectionUse, ConnectionUser } from './ConnectionUse.js';

const COLUMNS: readonly Column<Connection>[] = [
  {
    id: 'user',
    title: 'User',
    text: ({ principal = 'all callers' }) => principal,
    cell: (connection) => <ConnectionUser connection={connection} />,
  },
  {
    id: 'server',
    title: 'Server',
    text: ({ server }) => server,
    cell: ({ server }) => (
      <>
        {server}
        <CredentialExpiry server={server} />
      </>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: '7rem',
    text: ({ users }) => (users > 0 ? 'in use' : 'idle'),
    cell: (connection) => <ConnectionUse connection={connection} />,
  },
  { id: 'era', title: 'Era', width: '11rem', text: ({ era, revision }) => `${era}, ${revision}`, priority: 2 },
  {
    id: 'worker',
    title: 'Worker',
    width: '7rem',
    text: ({ worker }) => worker,
    cell: ({ worker }) => <ShortId id={worker} />,
    priority: 2,
  },
  {
    id: 'used',
    title: 'Idle since',
    width: '14rem',
    text: ({ idleSince = '' }) => idleSince,
    cell: ({ idleSince }) => idleSince !== undefined && <Time at={idleSince} />,
    priority: 3,
  },
];

const orderOf = ({ principal = '', server, id }: Connection): string => `${principal}\n${server}\n${id}`;

export function ConnectionList() {
  const connections = useConnections();
  const [search, setSearch] = useQueryParameter('q');
  const [worker] = useQueryParameter('worker');
  const shown = useMemo(
    () =>
      (connections.data?.items ?? [])
        .filter((each) => worker === '' || each.worker === worker)
        .toSorted((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1)),
    [connections.data, worker],
  );
  return (
    <>
      <PageHeader title="Connections">
        What the gateway has open at the servers, for each user and server: sessions, child processes and pools.
      </PageHeader>
      <QueryView query={connections} what="the connections">
        {({ items, silentWorkers }) => (
          <>
            <SilentWorkers workers={silentWorkers} />
            <DataTable
              label="connections"
              rows={shown}
              columns={COLUMNS}
              keyOf={({ id }) => id}
              pathOf={({ id }) => `/connections/${id}`}
              search={search}
              onSearch={setSearch}
              empty={items.length === 0 ? <NoConnections /> : undefined}
            />
          </>
        )}
      </QueryView>
    </>
  );
}

function NoConnections() {
  return (
    <EmptyState title="The gateway is connected to no server.">
      It connects to a server when somebody first uses it, and closes connections that nobody has used for a while.
    </EmptyState>
  );
}
