import {
  ConfirmButton,
  Copyable,
  Definitions,
  notify,
  PageHeader,
  PageLink,
  Panel,
  QueryView,
  Time,
} from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { disconnect, useConnection, type Connection } from './connection-queries.js';
import { CredentialExpiry } from './CredentialExpiry.js';
import { ConnectionUse, ConnectionUser } from './ConnectionUse.js';

const SHARED_AMONG: Readonly<Record<Connection['among'], string>> = {
  all: 'all callers whose credentials at the server are the same',
  principal: 'the calls of one user',
  session: 'one session of a client',
};

export function ConnectionDetails({ id }: { readonly id: string }) {
  const connection = useConnection(id);
  const may = usePermissions();
  const closed = () => {
    notify('Disconnected.');
    navigate('/connections');
  };
  const close = (
    <ConfirmButton
      label="Disconnect"
      title="Disconnect from the server?"
      variant="danger"
      act={() => disconnect(id)}
      onDone={closed}
    >
      {connection.data?.among === 'session'
        ? 'Calls in flight finish. What the server keeps for the session is lost, so the session of the client ends too; the client then opens a new one.'
        : 'Calls in flight finish. The next call connects again.'}
    </ConfirmButton>
  );
  return (
    <>
      <PageHeader
        title={connection.data ? `Connection to ${connection.data.server}` : 'Connection'}
        parent={{ title: 'Connections', path: '/connections' }}
        actions={connection.data && may('DELETE /upstream-sessions/{id}') ? close : undefined}
      >
        {connection.data && <ConnectionUse connection={connection.data} />}
      </PageHeader>
      <QueryView query={connection} what="the connection">
        {(data) => (
          <Panel title="Connection">
            <Definitions items={factsOf(data)} />
          </Panel>
        )}
      </QueryView>
    </>
  );
}

function factsOf(connection: Connection) {
  const { id, worker, server, era, revision, among, users, idleSince, place } = connection;
  return {
    User: <ConnectionUser connection={connection} />,
    Server: (
      <>
        <PageLink to={`/servers/${server}`}>{server}</PageLink>
        <CredentialExpiry server={server} />
      </>
    ),
    'Shared by': SHARED_AMONG[among],
    Era: `${era}, ${revision}`,
    'Calls and subscriptions': users,
    'Idle since': idleSince === undefined ? undefined : <Time at={idleSince} />,
    Worker: <Copyable text={worker} what="the id of the worker" />,
    'Held by': place === undefined ? undefined : <Copyable text={place} what="the id of the worker that holds it" />,
    Id: <Copyable text={id} what="the id of the connection" />,
  };
}
