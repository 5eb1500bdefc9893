import { useMemo } from 'react';
import { Badge, DataTable, EmptyState, QueryView, Select, type Column } from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { useItems, useSelectableServers, type Item, type ItemKind } from './endpoint-queries.js';
import { exposedItems, selectedServers, selectorOf } from './selection.js';

const KINDS = { tools: 'Tools', prompts: 'Prompts', resources: 'Resources' } as const;

function columnsOf(kind: ItemKind): readonly Column<Item>[] {
  return [
    { id: 'name', title: 'Name', text: (item) => selectorOf(kind, item) },
    { id: 'server', title: 'Server', width: '22%', text: ({ server }) => server, priority: 2 },
    {
      id: 'state',
      title: 'State',
      width: '9rem',
      text: stateOf,
      cell: (item) => <Badge tone={stateOf(item) === 'offered' ? 'good' : 'warning'}>{stateOf(item)}</Badge>,
    },
  ];
}

const stateOf = ({ isDisabled, status }: Item): string => {
  if (isDisabled) return 'disabled';
  return status === 'quarantined' ? 'quarantined' : 'offered';
};

const keyOf = ({ server, name }: Item): string => `${server}\n${name}`;

/** What a caller of an endpoint would see whom no policy restricts. */
export function ExposedItems({ entry }: { readonly entry: Readonly<Record<string, unknown>> }) {
  const items = useItems();
  const servers = useSelectableServers();
  const [chosen, setChosen] = useQueryParameter('items');
  const kind: ItemKind = chosen === 'prompts' || chosen === 'resources' ? chosen : 'tools';
  const columns = useMemo(() => columnsOf(kind), [kind]);
  const shown = useMemo(() => {
    if (!items.data || !servers.data) return [];
    return exposedItems(kind, entry, selectedServers(entry, servers.data), items.data);
  }, [kind, entry, items.data, servers.data]);
  const choice = (
    <Select
      aria-label="Items"
      options={KINDS}
      value={kind}
      onChange={({ target }) => setChosen(target.value === 'tools' ? '' : target.value)}
    />
  );
  return (
    <QueryView query={items} what="the items">
      {() => (
        <DataTable
          label={`${kind} of the endpoint`}
          rows={shown}
          columns={columns}
          keyOf={keyOf}
          filters={choice}
          empty={
            <EmptyState title={`It exposes no ${kind}.`} action={choice}>
              Select a server that has some, or change the patterns. Items appear once their server was reached.
            </EmptyState>
          }
        />
      )}
    </QueryView>
  );
}
