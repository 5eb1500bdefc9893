import { Badge, Copyable, Definitions, PageLink, Panel, QueryView, ShortId, Time } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';
import { DrainButton } from './DrainButton.js';
import { useWorkers, type Worker } from './session-queries.js';
import styles from './sessions.module.css';
import { SessionTabs } from './SessionTabs.js';

const BYTES_PER_MIB = 1_048_576;

export function WorkerList() {
  const workers = useWorkers();
  return (
    <>
      <SessionTabs>The processes of this gateway, what each owns, and what an operator should mend.</SessionTabs>
      <QueryView query={workers} what="the workers">
        {({ items, silentWorkers }) => (
          <div className={styles['workers']}>
            {items.map((worker) => (
              <WorkerPanel key={worker.id} worker={worker} />
            ))}
            {silentWorkers.map((id) => (
              <SilentWorker key={id} id={id} />
            ))}
          </div>
        )}
      </QueryView>
    </>
  );
}

function WorkerPanel({ worker }: { readonly worker: Worker }) {
  const { id, isLeaving, warnings } = worker;
  const may = usePermissions();
  return (
    <Panel
      title={`Worker ${id.slice(0, 8)}`}
      actions={
        <>
          <Badge tone={isLeaving ? 'warning' : 'good'}>{isLeaving ? 'draining' : 'serving'}</Badge>
          {!isLeaving && may('POST /workers/{id}/drain') && <DrainButton worker={worker} />}
        </>
      }
    >
      <Definitions items={factsOf(worker)} />
      {warnings.length > 0 && (
        <ul className={styles['warnings']}>
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function factsOf({ id, host, pid, version, startedAt, memoryBytes, sessions, parkedCalls }: Worker) {
  return {
    Sessions: <PageLink to={`/sessions?worker=${id}`}>{sessions}</PageLink>,
    'Parked calls': <PageLink to={`/sessions/parked-calls?worker=${id}`}>{parkedCalls}</PageLink>,
    Connections: <PageLink to={`/connections?worker=${id}`}>to servers</PageLink>,
    Memory: `${Math.round(memoryBytes / BYTES_PER_MIB)} MiB`,
    Host: `${host}, process ${pid}`,
    Version: version,
    Started: <Time at={startedAt} />,
    Id: <Copyable text={id} what="the id of the worker" />,
  };
}

function SilentWorker({ id }: { readonly id: string }) {
  return (
    <Panel title={`Worker ${id.slice(0, 8)}`} actions={<Badge tone="bad">silent</Badge>}>
      <p>
        <ShortId id={id} /> has not replied within two seconds. Look at its process and its log. The others take over
        what it owns once it has been silent for longer.
      </p>
    </Panel>
  );
}
