import { useMemo } from 'react';
import { ButtonLink, DataTable, EmptyState, PageHeader, QueryView, Select } from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { serverColumns } from './server-columns.js';
import { useServerEras, useServers, useServersHealth } from './server-queries.js';
import { stateOf, type ServerRow } from './server-state.js';

const STATES = {
  '': 'All states',
  up: 'Up',
  down: 'Down',
  unknown: 'Unknown',
  disabled: 'Disabled',
  invalid: 'Invalid',
} as const;
const COLUMNS = serverColumns();

export function ServerList() {
  const servers = useServers();
  const health = useServersHealth();
  const eras = useServerEras();
  const [search, setSearch] = useQueryParameter('q');
  const [state, setState] = useQueryParameter('state');
  const rows = useMemo(
    () =>
      servers.data?.map((server): ServerRow => ({
        server,
        health: health.data?.get(server.slug),
        era: eras.data?.get(server.slug),
      })) ?? [],
    [servers.data, health.data, eras.data],
  );
  const shown = useMemo(() => rows.filter((row) => state === '' || stateOf(row) === state), [rows, state]);
  return (
    <>
      <PageHeader title="Servers" actions={<AddActions />}>
        The MCP servers, programs and HTTP APIs behind this gateway.
      </PageHeader>
      <QueryView query={servers} what="the servers">
        {(all) => (
          <DataTable
            label="servers"
            rows={shown}
            columns={COLUMNS}
            keyOf={({ server }) => server.slug}
            pathOf={({ server }) => `/servers/${server.slug}`}
            search={search}
            onSearch={setSearch}
            filters={
              <Select
                aria-label="State"
                options={STATES}
                value={state}
                onChange={({ target }) => setState(target.value)}
              />
            }
            empty={all.length === 0 ? <NoServers /> : undefined}
          />
        )}
      </QueryView>
    </>
  );
}

function AddActions() {
  const may = usePermissions();
  if (!may('POST /servers')) return null;
  return (
    <>
      {may('POST /server-json-imports') && (
        <ButtonLink to="/servers/-/import/server-json">Import server.json</ButtonLink>
      )}
      {may('POST /openapi-imports') && <ButtonLink to="/servers/-/import">Import an OpenAPI document</ButtonLink>}
      <ButtonLink to="/servers/-/new" variant="primary">
        Add a server
      </ButtonLink>
    </>
  );
}

function NoServers() {
  const may = usePermissions();
  return (
    <EmptyState title="There is no server yet." action={may('POST /servers') && <AddActions />}>
      {may('POST /servers')
        ? 'Add an MCP server by its URL, a program on this machine, or an HTTP API. Test it before you save it; its tools appear at once.'
        : 'Somebody with the role admin can add one.'}
    </EmptyState>
  );
}
