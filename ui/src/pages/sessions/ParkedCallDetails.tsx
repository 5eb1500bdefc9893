import { ApiProblem } from '../../api/index.js';
import {
  Badge,
  ButtonLink,
  Caller,
  ConfirmButton,
  Copyable,
  Definitions,
  EmptyState,
  notify,
  PageHeader,
  PageLink,
  Panel,
  QueryView,
  Time,
} from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { cancelParkedCall, useParkedCall, type ParkedCall } from './session-queries.js';
import styles from './sessions.module.css';
import { textOfQuestion, textOfQuestions } from './waits.js';

const LIST = '/sessions/parked-calls';

export function ParkedCallDetails({ id }: { readonly id: string }) {
  const call = useParkedCall(id);
  const may = usePermissions();
  const isGone = call.error instanceof ApiProblem && call.error.status === 404;
  const cancelled = () => {
    notify('Cancelled the call.');
    navigate(LIST);
  };
  const cancel = (
    <ConfirmButton
      label="Cancel the call"
      title="Cancel this call?"
      variant="danger"
      act={() => cancelParkedCall(id)}
      onDone={cancelled}
    >
      The gateway asks the server to stop. Effects that the call has already had remain, so its client receives an error
      with the outcome “unknown”.
    </ConfirmButton>
  );
  return (
    <>
      <PageHeader
        title={call.data ? `${call.data.item} of ${call.data.server}` : 'Parked call'}
        parent={{ title: 'Parked calls', path: LIST }}
        actions={call.data && !isGone && may('DELETE /parked-calls/{id}') ? cancel : undefined}
      >
        {call.data && !isGone && <Badge tone="info">{`waits for ${textOfQuestions(call.data.questions)}`}</Badge>}
      </PageHeader>
      {isGone ? (
        <Panel>
          <EmptyState
            title="This call is no longer parked."
            action={<ButtonLink to={LIST}>Show the parked calls</ButtonLink>}
          >
            Its client has answered, it was cancelled, or it has waited too long.
          </EmptyState>
        </Panel>
      ) : (
        <QueryView query={call} what="the parked call">
          {(data) => <Waiting call={data} />}
        </QueryView>
      )}
    </>
  );
}

function Waiting({ call }: { readonly call: ParkedCall }) {
  const { questions } = call;
  return (
    <div className={styles['stack']}>
      <Panel title="Questions">
        <ul className={styles['questions']}>
          {questions.map((method, index) => (
            // Questions have no id, and their order does not change.
            <li key={`${index} ${method}`}>
              {textOfQuestion(method)} <code className={styles['muted']}>{method}</code>
            </li>
          ))}
        </ul>
        <p className={styles['muted']}>What was asked is private to the client, so nobody else can see it.</p>
      </Panel>
      <Panel title="Call">
        <Definitions items={factsOf(call)} />
      </Panel>
    </div>
  );
}

function factsOf({ id, worker, server, method, item, principal, begunAt, waiting }: ParkedCall) {
  return {
    Server: <PageLink to={`/servers/${server}`}>{server}</PageLink>,
    Item: <Copyable text={item} what="the name of the item" />,
    Method: method,
    Caller: <Caller principal={principal} />,
    Since: <Time at={begunAt} />,
    Client: waiting > 0 ? 'waits for the call' : 'has been asked, and is not connected for this call',
    Owner: <Copyable text={worker} what="the id of the worker" />,
    Id: <Copyable text={id} what="the id of the call" />,
  };
}
