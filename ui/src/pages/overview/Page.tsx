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
              <ButtonLink to="/servers/new" variant="primary">
                Add the first server
              </ButtonLink>
              <ButtonLink to="/servers/import">Import an OpenAPI document</ButtonLink>
            </>
          )
        }
      >
        {may('POST /servers')
          ? 'Add an MCP server, a program on this machine, or an HTTP API, and test it. Its tools then appear in the catalog, where you can try the first one.'
          : 'Somebody with the role admin can add one.'}
      </EmptyState>
    </Panel>
  );
}
