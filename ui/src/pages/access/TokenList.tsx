import { useTokens, type AccessToken } from '../../api/index.js';
import {
  Badge,
  ButtonLink,
  DataTable,
  EmptyState,
  PageHeader,
  QueryView,
  Time,
  type Column,
} from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import styles from './access.module.css';
import { AccessTabs } from './AccessTabs.js';

const COLUMNS: readonly Column<AccessToken>[] = [
  {
    id: 'title',
    title: 'Title',
    text: ({ title }) => title,
    cell: ({ title }) => <span className={styles['name']}>{title}</span>,
  },
  { id: 'subject', title: 'Subject', width: '20%', text: ({ subject }) => subject },
  { id: 'roles', title: 'Roles', width: '14%', text: rolesOf, priority: 2 },
  { id: 'servers', title: 'Servers', width: '16%', text: ({ servers }) => servers?.join(', ') ?? 'all', priority: 3 },
  {
    id: 'expires',
    title: 'Expires',
    width: '13rem',
    text: ({ expiresAt }) => expiresAt,
    cell: ({ expiresAt }) => <Expiry at={expiresAt} />,
    priority: 2,
  },
  {
    id: 'used',
    title: 'Last used',
    width: '13rem',
    text: ({ lastUsedAt }) => lastUsedAt ?? '',
    cell: ({ lastUsedAt }) =>
      lastUsedAt === undefined ? <span className={styles['muted']}>never</span> : <Time at={lastUsedAt} />,
    priority: 3,
  },
];

export function rolesOf({ roles, teamRoles = [] }: AccessToken): string {
  return [...roles, ...teamRoles].join(', ') || 'none';
}

/** The time of this visit: nothing on the page has to change in the moment in which a token expires. */
const OPENED_AT = Date.now();

export function Expiry({ at }: { readonly at: string }) {
  return Date.parse(at) > OPENED_AT ? <Time at={at} /> : <Badge tone="neutral">expired</Badge>;
}

export function TokenList() {
  const tokens = useTokens();
  const [search, setSearch] = useQueryParameter('q');
  return (
    <>
      <AccessTabs />
      <PageHeader title="Personal access tokens" actions={<AddAction />}>
        For programs: each authenticates its subject at MCP endpoints and at the admin API until it expires or is
        revoked.
      </PageHeader>
      <QueryView query={tokens} what="the tokens">
        {(rows) => (
          <DataTable
            label="tokens"
            rows={rows}
            columns={COLUMNS}
            keyOf={({ id }) => id}
            pathOf={({ id }) => `/access/tokens/${id}`}
            search={search}
            onSearch={setSearch}
            empty={
              <EmptyState title="There is no token yet." action={<AddAction />}>
                Create one for a program that cannot log in, such as an agent on a server. It can be limited to a few
                servers.
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
  if (!may('POST /tokens')) return null;
  return (
    <ButtonLink to="/access/tokens/new" variant="primary">
      Create a token
    </ButtonLink>
  );
}
