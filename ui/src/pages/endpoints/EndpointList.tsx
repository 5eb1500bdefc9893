import {
  Badge,
  ButtonLink,
  DataTable,
  EmptyState,
  PageHeader,
  QueryView,
  type Column,
} from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { textOf, textsOf } from '../../values/index.js';
import { useEndpoints, type Endpoint } from './endpoint-queries.js';
import styles from './endpoints.module.css';

const COLUMNS: readonly Column<Endpoint>[] = [
  {
    id: 'name',
    title: 'Name',
    width: '28%',
    text: ({ slug, entry }) => `${slug} ${textOf(entry?.['title'])}`,
    cell: ({ slug, entry }) => (
      <>
        <span className={styles['name']}>{slug}</span>{' '}
        <span className={styles['muted']}>{textOf(entry?.['title'])}</span>
      </>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: '8rem',
    text: ({ usable }) => (usable ? 'in force' : 'invalid'),
    cell: ({ usable, faults }) => (
      <Badge tone={usable ? 'good' : 'warning'} title={faults.join('; ') || undefined}>
        {usable ? 'in force' : 'invalid'}
      </Badge>
    ),
  },
  { id: 'servers', title: 'Servers', text: ({ entry }) => serversOf(entry), priority: 2 },
  {
    id: 'access',
    title: 'Access',
    width: '11rem',
    text: ({ entry }) => accessOf(entry),
    priority: 2,
  },
  { id: 'source', title: 'Source', width: '6rem', text: ({ managed }) => (managed ? 'File' : 'API'), priority: 3 },
];

type Entry = Endpoint['entry'];

function serversOf(entry: Entry): string {
  const tags = textsOf(entry?.['tags']).map((tag) => `tag ${tag}`);
  return [...textsOf(entry?.['servers']), ...tags].join(', ');
}

export function accessOf(entry: Entry): string {
  if (entry?.['public'] === true) return 'anyone, without a token';
  const team = textOf(entry?.['team']);
  return team === '' ? 'every valid token' : `team ${team}`;
}

export function EndpointList() {
  const endpoints = useEndpoints();
  const [search, setSearch] = useQueryParameter('q');
  return (
    <>
      <PageHeader title="Endpoints" actions={<AddAction />}>
        Virtual servers: MCP endpoints over a selection of servers and items. The default endpoint /mcp has all of them.
      </PageHeader>
      <QueryView query={endpoints} what="the endpoints">
        {(rows) => (
          <DataTable
            label="endpoints"
            rows={rows}
            columns={COLUMNS}
            keyOf={({ slug }) => slug}
            pathOf={({ slug }) => `/endpoints/${slug}`}
            search={search}
            onSearch={setSearch}
            empty={
              <EmptyState title="There is no endpoint besides /mcp yet." action={<AddAction />}>
                Add one to give a team or an application only the servers and tools that it needs.
              </EmptyState>
            }
          />
        )}
      </QueryView>
    </>
  );
}

function AddAction() {
  const may = usePermissions();
  if (!may('POST /virtual-servers')) return null;
  return (
    <ButtonLink to="/endpoints/new" variant="primary">
      Add an endpoint
    </ButtonLink>
  );
}
