import { useMemo } from 'react';
import { DataTable, EmptyState, QueryView, type Column } from '../../components/index.js';
import type { McpClient } from '../../mcp/index.js';
import { navigate, useQueryParameter } from '../../navigation/index.js';
import { parseObject, type JsonObject } from '../../values/index.js';
import { pathTo } from './address.js';
import { ItemCall } from './ItemCall.js';
import { KINDS, NOUNS, useOffered, type Kind, type Offered } from './offered-items.js';
import styles from './try.module.css';

const columnsOf = (kind: Kind): readonly Column<Offered>[] => [
  {
    id: 'name',
    title: kind === 'resources' || kind === 'resource-templates' ? 'URI' : 'Name',
    width: '34%',
    text: ({ key, title }) => `${key} ${title}`,
    cell: ({ key }) => <span className={styles['name']}>{key}</span>,
  },
  {
    id: 'description',
    title: 'Description',
    text: ({ title, description }) => description || title,
    cell: ({ title, description }) => <span title={description}>{description || title}</span>,
    priority: 2,
  },
];

interface OfferedItemsProps {
  readonly client: McpClient;
  readonly endpoint: string;
  readonly kind: Kind;
}

/** What an endpoint offers of a kind, or the form of the chosen one. */
export function OfferedItems({ client, endpoint, kind }: OfferedItemsProps) {
  const [chosen] = useQueryParameter('name');
  const [shared] = useQueryParameter('args');
  const [search, setSearch] = useQueryParameter('q');
  const offered = useOffered(client, endpoint, kind);
  const columns = useMemo(() => columnsOf(kind), [kind]);
  const found = useMemo(() => offered.data?.find(({ key }) => key === chosen), [offered.data, chosen]);
  const pathOf = (name: string, args?: JsonObject) => pathTo({ endpoint, era: client.era, kind, name, args });
  return (
    <QueryView query={offered} what={`the ${KINDS[kind].toLowerCase()} of the endpoint`}>
      {(all) =>
        found ? (
          <ItemCall
            key={`${found.key} ${shared}`}
            client={client}
            kind={kind}
            item={found}
            shared={parseObject(shared)}
            addressOf={(args) => new URL(`#${pathOf(found.key, args)}`, window.location.href).href}
            onLeave={() => navigate(pathOf(''))}
          />
        ) : (
          <>
            {chosen !== '' && (
              <p role="alert">
                This endpoint lists no {NOUNS[kind]} {chosen} for you. Choose another one.
              </p>
            )}
            <DataTable
              label={`${KINDS[kind].toLowerCase()} of the endpoint`}
              rows={all}
              columns={columns}
              keyOf={({ key }) => key}
              pathOf={({ key }) => pathOf(key)}
              search={search}
              onSearch={setSearch}
              empty={
                <EmptyState title={`This endpoint lists no ${KINDS[kind].toLowerCase()} for you.`}>
                  Choose another endpoint. What is switched off, quarantined, or denied to you is not listed.
                </EmptyState>
              }
            />
          </>
        )
      }
    </QueryView>
  );
}
