import {
  Badge,
  Caller,
  ConfirmButton,
  Copyable,
  Definitions,
  notify,
  PageHeader,
  Panel,
  QueryView,
  Time,
} from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { endSession, useSession, type Session } from './session-queries.js';

const TRANSPORTS: Readonly<Record<Session['transport'], string>> = { http: 'Streamable HTTP', sse: 'HTTP+SSE' };

export function SessionDetails({ id }: { readonly id: string }) {
  const session = useSession(id);
  const may = usePermissions();
  const ended = () => {
    notify('Ended the session.');
    navigate('/sessions');
  };
  const end = (
    <ConfirmButton
      label="End the session"
      title="End this session?"
      variant="danger"
      act={() => endSession(id)}
      onDone={ended}
    >
      Its calls are cancelled. Later requests of its client get 404, and a client that follows the specification then
      opens a new session.
    </ConfirmButton>
  );
  return (
    <>
      <PageHeader
        title={session.data?.client ?? 'Session'}
        parent={{ title: 'Sessions', path: '/sessions' }}
        actions={session.data && may('DELETE /sessions/{id}') ? end : undefined}
      >
        {session.data && <StreamState session={session.data} />}
      </PageHeader>
      <QueryView query={session} what="the session">
        {(data) => (
          <Panel title="Session">
            <Definitions items={factsOf(data)} />
          </Panel>
        )}
      </QueryView>
    </>
  );
}

function StreamState({ session: { isAttached, callsInFlight } }: { readonly session: Session }) {
  return (
    <>
      <Badge tone={isAttached ? 'good' : 'neutral'}>{isAttached ? 'stream open' : 'no stream'}</Badge>{' '}
      <Badge tone={callsInFlight > 0 ? 'info' : 'neutral'}>{`${callsInFlight} in flight`}</Badge>
    </>
  );
}

function factsOf({ id, worker, principal, endpoint, revision, transport, lastUsedAt }: Session) {
  return {
    Caller: <Caller principal={principal} />,
    Endpoint: (
      <Copyable text={endpoint === 'default' ? '/mcp' : `/servers/${endpoint}/mcp`} what="the path of the endpoint" />
    ),
    Revision: revision,
    Transport: TRANSPORTS[transport],
    'Last used': <Time at={lastUsedAt} />,
    Owner: <Copyable text={worker} what="the id of the worker" />,
    // The MCP session id is a secret of the client; this one only names the session for administrators.
    Id: <Copyable text={id} what="the id of the session" />,
  };
}
