import { useMemo } from 'react';
import { ButtonLink, DataTable, EmptyState, PageHeader, QueryView, type Column } from '../components/index.js';
import { useQueryParameter } from '../navigation/index.js';
import { usePermissions } from '../session/index.js';
import { useEntries, type EntryView } from './collection.js';
import styles from './entries.module.css';
import type { EntryKind } from './entry-kind.js';
import { EntryState } from './EntryState.js';

const NAME: Column<EntryView> = {
  id: 'name',
  title: 'Name',
  width: '22%',
  text: ({ slug }) => slug,
  cell: ({ slug }) => <span className={styles['name']}>{slug}</span>,
};
const STATE: Column<EntryView> = {
  id: 'state',
  title: 'State',
  width: '7rem',
  text: ({ usable }) => (usable ? 'in force' : 'invalid'),
  cell: (view) => <EntryState view={view} />,
  priority: 2,
};
const SOURCE: Column<EntryView> = {
  id: 'source',
  title: 'Source',
  width: '6rem',
  text: ({ managed }) => (managed ? 'File' : 'API'),
  priority: 3,
};

/** All entries of a collection. */
export function EntryList({ kind }: { readonly kind: EntryKind }) {
  const { collection, path, title, intro, empty, order, navigation } = kind;
  const entries = useEntries(collection);
  const [search, setSearch] = useQueryParameter('q');
  const columns = useMemo(() => [NAME, ...kind.columns, STATE, SOURCE], [kind]);
  const rows = useMemo(() => (order ? entries.data?.toSorted(order) : entries.data) ?? [], [order, entries.data]);
  return (
    <>
      {navigation}
      <PageHeader title={title} actions={<AddAction kind={kind} />}>
        {intro}
      </PageHeader>
      <QueryView query={entries} what={title.toLowerCase()}>
        {() => (
          <DataTable
            label={title.toLowerCase()}
            rows={rows}
            columns={columns}
            keyOf={({ slug }) => slug}
            pathOf={({ slug }) => `${path}/${slug}`}
            search={search}
            onSearch={setSearch}
            empty={
              <EmptyState title={empty.title} action={<AddAction kind={kind} />}>
                {empty.text}
              </EmptyState>
            }
          />
        )}
      </QueryView>
    </>
  );
}

function AddAction({ kind: { collection, path, one } }: { readonly kind: EntryKind }) {
  const may = usePermissions();
  if (!may(`POST /${collection}`)) return null;
  return (
    <ButtonLink to={`${path}/-/new`} variant="primary">
      Add {one}
    </ButtonLink>
  );
}
