import type { Column } from '../../components/index.js';
import type { Server } from './server-queries.js';
import { lastErrorOf, stateOf, type ServerRow } from './server-state.js';
import { ServerState } from './ServerState.js';
import styles from './servers.module.css';

const memberOf = ({ entry }: Server, name: string): string => {
  const value = entry?.[name];
  return typeof value === 'string' ? value : '';
};

/** What is known of the era of a server without a connection to it. */
const configuredEra = (server: Server): string => memberOf(server, 'era') || 'not connected';

export function serverColumns(): readonly Column<ServerRow>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: '26%',
      text: ({ server }) => `${server.slug} ${memberOf(server, 'title')}`,
      cell: ({ server }) => (
        <>
          <span className={styles['name']}>{server.slug}</span>{' '}
          <span className={styles['muted']}>{memberOf(server, 'title')}</span>
        </>
      ),
    },
    { id: 'state', title: 'State', width: '8rem', text: stateOf, cell: (row) => <ServerState state={stateOf(row)} /> },
    { id: 'transport', title: 'Kind', width: '6rem', text: ({ server }) => memberOf(server, 'transport'), priority: 2 },
    { id: 'era', title: 'Era', width: '11rem', text: ({ server, era }) => era ?? configuredEra(server), priority: 3 },
    {
      id: 'error',
      title: 'Last error',
      text: lastErrorOf,
      cell: (row) => <span title={lastErrorOf(row)}>{lastErrorOf(row)}</span>,
      priority: 2,
    },
    {
      id: 'source',
      title: 'Source',
      width: '6rem',
      text: ({ server }) => (server.managed ? 'File' : 'API'),
      priority: 3,
    },
  ];
}
