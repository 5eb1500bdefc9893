import { useLiveFigures, useLiveRefusal, type LiveFigures } from '../../api/index.js';
import { ButtonLink, EmptyState, Loading, PageHeader, Panel, Problem, Time } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';
import { Attention } from './Attention.js';
import { Figures } from './Figures.js';
import styles from './overview.module.css';

export function Page() {
  const figures = useLiveFigures();
  const refusal = useLiveRefusal();
  return (
    <>
      <PageHeader title="Overview">
        {figures ? (
          <>
            Live figures of all workers, as of <Time at={figures.at} />
          </>
        ) : (
          'Live figures of all workers'
        )}
      </PageHeader>
      {figures && <Overview figures={figures} />}
      {!figures && (refusal ? <Problem cause={refusal} /> : <Loading what="the live figures" />)}
    </>
  );
}

function Overview({ figures }: { readonly figures: LiveFigures }) {
  const servers = Object.values(figures.servers).reduce((sum, count) => sum + count, 0);
  return (
    <div className={styles['stack']}>
      {servers === 1 && <OnlyServer />}
      {servers === 0 ? <FirstServer /> : <Attention figures={figures} />}
      <Figures figures={figures} />
    </div>
  );
}

function FirstServer() {
  const may = usePermissions();
  return (
    <Panel>
      <EmptyState
        title="This gateway has no server yet."
        action={
          may('POST /servers') && (
            <>
              <ButtonLink to="/servers/-/new" variant="primary">
                Add the first server
              </ButtonLink>
              <ButtonLink to="/servers/-/new?example=sample">Start with the sample server</ButtonLink>
              <ButtonLink to="/servers/-/import">Import an OpenAPI document</ButtonLink>
            </>
          )
        }
      >
        {may('POST /servers')
          ? 'Add an MCP server, a program on this machine, or an HTTP API, and test it. Its page then leads to its first tool. The sample server comes with the gateway and needs no network.'
          : 'Somebody with the role admin can add one.'}
      </EmptyState>
    </Panel>
  );
}

/** A new installation has the sample server, and nobody has used it yet. */
function OnlyServer() {
  const may = usePermissions();
  if (!may('GET /tools') || !may('POST /servers')) return null;
  return (
    <Panel>
      <EmptyState
        title="This gateway has one server."
        action={
          <>
            <ButtonLink to="/try" variant="primary">
              Try its first tool
            </ButtonLink>
            <ButtonLink to="/servers/-/new">Add another server</ButtonLink>
          </>
        }
      >
        Call a tool as a client would. Then add your own servers: their tools appear beside it.
      </EmptyState>
    </Panel>
  );
}
