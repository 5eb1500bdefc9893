import { Badge, Copyable, Definitions, JsonView, PageHeader, Panel, QueryView, Time } from '../../components/index.js';
import { FirstTools } from './FirstTools.js';
import { ServerActions } from './ServerActions.js';
import { lastErrorOf, stateOf } from './server-state.js';
import { useServer, useServerEras, useServersHealth, type Server, type ServerHealth } from './server-queries.js';
import styles from './servers.module.css';
import { ServerState } from './ServerState.js';

export function ServerDetails({ slug }: { readonly slug: string }) {
  const server = useServer(slug);
  const health = useServersHealth().data?.get(slug);
  const era = useServerEras().data?.get(slug);
  return (
    <>
      <PageHeader title={slug} parent={{ title: 'Servers', path: '/servers' }}>
        {server.data && <ServerState state={stateOf({ server: server.data.data, health })} />}
      </PageHeader>
      <QueryView query={server} what="the server">
        {({ data, etag }) => (
          <div className={styles['stack']}>
            <ServerActions server={data} etag={etag} />
            {data.usable && data.entry?.['enabled'] !== false && <FirstTools slug={slug} />}
            <div className={styles['columns']}>
              <Panel title="Server">
                <Definitions items={factsOf(data, health, era)} />
              </Panel>
              <Panel title="Workers">
                <WorkerStates health={health} />
              </Panel>
            </div>
            <Panel title="Entry">
              <JsonView label="Entry as JSON" value={data.entry} />
            </Panel>
          </div>
        )}
      </QueryView>
    </>
  );
}

function factsOf(server: Server, health: ServerHealth | undefined, era: string | undefined) {
  const { slug, managed, updatedAt, warnings } = server;
  return {
    Name: <Copyable text={slug} what="the name" />,
    Endpoint: <Copyable text={`/servers/${slug}/mcp`} what="the path of the endpoint" />,
    Era: era ?? 'not connected',
    'Last error': lastErrorOf({ server, health }) || undefined,
    Since: health?.since === undefined ? undefined : <Time at={health.since} />,
    'Last check': health?.checkedAt === undefined ? undefined : <Time at={health.checkedAt} />,
    Latency: health?.latencyMs === undefined ? undefined : `${health.latencyMs} ms`,
    Warnings: warnings.length > 0 ? warnings.join('; ') : undefined,
    Source: managed ? 'Configuration file; change it there' : 'Admin API',
    Changed: <Time at={updatedAt} />,
  };
}

function WorkerStates({ health }: { readonly health: ServerHealth | undefined }) {
  if (!health || health.workers.length === 0) return <p className={styles['muted']}>No worker has used it yet.</p>;
  return (
    <ul className={styles['workers']}>
      {health.workers.map(({ worker, state, answeredAt, failedAt, detail, reason }) => (
        <li key={worker} className={styles['worker']}>
          <Badge tone={state === 'up' ? 'good' : state === 'down' ? 'bad' : 'neutral'}>{state}</Badge>
          <Copyable text={worker} what="the id of the worker" />
          <span className={styles['muted']}>
            {answeredAt !== undefined && (
              <>
                answered <Time at={answeredAt} />
              </>
            )}
            {state === 'down' && failedAt !== undefined && (
              <>
                {' '}
                failed <Time at={failedAt} />: {detail ?? reason}
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
