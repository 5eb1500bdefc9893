import { useCallback, useMemo } from 'react';
import {
  Badge,
  ButtonLink,
  DataTable,
  EmptyState,
  PageHeader,
  QueryView,
  Select,
  type Column,
} from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { KINDS, toKind, type Kind } from './item-kinds.js';
import { useItemSearch, useServerSlugs, type Item, type ItemSearch } from './item-queries.js';
import { FILTERS, stateOf, TONES } from './item-state.js';
import styles from './items.module.css';

const COLUMNS: readonly Column<Item>[] = [
  { id: 'name', title: 'Name', cell: (item) => <ItemName {...item} /> },
  { id: 'server', title: 'Server', width: '20%', cell: ({ server }) => server, priority: 2 },
  {
    id: 'state',
    title: 'State',
    width: '9rem',
    cell: (item) => <Badge tone={TONES[stateOf(item)]}>{stateOf(item)}</Badge>,
  },
  {
    id: 'flags',
    title: 'Flags',
    width: '34%',
    cell: ({ flags }) => <span title={flags.join(' ')}>{flags.join(' ')}</span>,
    priority: 3,
  },
];

function ItemName({ name, shownName }: Item) {
  if (shownName === undefined) return <span className={styles['name']}>{name}</span>;
  return (
    <>
      <span className={styles['name']}>{shownName}</span> <span className={styles['muted']}>{name}</span>
    </>
  );
}

const keyOf = ({ server, name }: Item): string => `${server}\n${name}`;

export function ItemList() {
  const [kind, setKind] = useQueryParameter('kind');
  const [server, setServer] = useQueryParameter('server');
  const [state, setState] = useQueryParameter('state');
  const [q, setQ] = useQueryParameter('q');
  const search: ItemSearch = { kind: toKind(kind), server, state, q };
  const { items, ...found } = useRows(search);
  const isFiltered = server !== '' || state !== '' || q !== '';
  return (
    <>
      <PageHeader title="Tools, prompts, resources">What the servers offer, and what clients see of it.</PageHeader>
      <QueryView query={found.query} what="the items">
        {() => (
          <DataTable
            label={KINDS[search.kind].toLowerCase()}
            rows={items}
            columns={COLUMNS}
            keyOf={keyOf}
            pathOf={({ server: slug, name }) => `/items/${search.kind}/${slug}?name=${encodeURIComponent(name)}`}
            search={q}
            onSearch={setQ}
            paging={found.paging}
            filters={
              <>
                <KindChoice kind={search.kind} onChange={setKind} />
                <ServerChoice server={server} onChange={setServer} />
                <Select
                  aria-label="State"
                  options={FILTERS}
                  value={state}
                  onChange={({ target }) => setState(target.value)}
                />
              </>
            }
            empty={isFiltered ? undefined : <NoItems kind={search.kind} onChange={setKind} />}
          />
        )}
      </QueryView>
    </>
  );
}

function useRows(search: ItemSearch) {
  const query = useItemSearch(search);
  const { data, hasNextPage, isFetching, fetchNextPage } = query;
  const items = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const readMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const paging = useMemo(
    () => ({ hasMore: hasNextPage && !isFetching, readMore }),
    [hasNextPage, isFetching, readMore],
  );
  return { query, items, paging };
}

interface KindChoiceProps {
  readonly kind: Kind;
  readonly onChange: (kind: string) => void;
}

function KindChoice({ kind, onChange }: KindChoiceProps) {
  const choose = (next: string) => onChange(next === 'tools' ? '' : next);
  return <Select aria-label="Kind" options={KINDS} value={kind} onChange={({ target }) => choose(target.value)} />;
}

interface ServerChoiceProps {
  readonly server: string;
  readonly onChange: (server: string) => void;
}

function ServerChoice({ server, onChange }: ServerChoiceProps) {
  const slugs = useServerSlugs().data ?? [];
  // A shared address may name a server that no longer exists.
  const known = server === '' || slugs.includes(server) ? slugs : [server, ...slugs];
  const options = { '': 'All servers', ...Object.fromEntries(known.map((slug) => [slug, slug])) };
  return (
    <Select aria-label="Server" options={options} value={server} onChange={({ target }) => onChange(target.value)} />
  );
}

function NoItems({ kind, onChange }: KindChoiceProps) {
  const may = usePermissions();
  const action = (
    <div className={styles['actions']}>
      <KindChoice kind={kind} onChange={onChange} />
      {may('POST /servers') && (
        <ButtonLink to="/servers/-/new" variant="primary">
          Add a server
        </ButtonLink>
      )}
    </div>
  );
  return (
    <EmptyState title={`No ${KINDS[kind].toLowerCase()} are known yet.`} action={action}>
      They appear when their server is saved or tested, and when a client lists them.
    </EmptyState>
  );
}
