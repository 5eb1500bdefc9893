import { useMemo } from 'react';
import { Badge, DataTable, EmptyState, PageHeader, QueryView, Select, type Column } from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import styles from './settings.module.css';
import { SettingsTabs } from './SettingsTabs.js';
import { useSettings, type Setting } from './settings-queries.js';

const SHOWN = { '': 'All settings', changed: 'Changed only' } as const;
const sourceOf = ({ isDefault }: Setting): string => (isDefault ? 'default' : 'set');

const COLUMNS: readonly Column<Setting>[] = [
  { id: 'name', title: 'Name', width: '48%', text: ({ name }) => name, cell: ({ name }) => <code>{name}</code> },
  {
    id: 'value',
    title: 'Value',
    text: ({ value }) => value ?? '',
    cell: ({ value }) =>
      value === null ? <span className={styles['muted']}>none</span> : <code title={value}>{value}</code>,
  },
  {
    id: 'source',
    title: 'Source',
    width: '7rem',
    text: sourceOf,
    cell: (setting) => <Badge tone={setting.isDefault ? 'neutral' : 'info'}>{sourceOf(setting)}</Badge>,
    priority: 2,
  },
];

export function SettingList() {
  const settings = useSettings();
  const [search, setSearch] = useQueryParameter('q');
  const [shown, setShown] = useQueryParameter('shown');
  const rows = useMemo(
    () => (settings.data ?? []).filter(({ isDefault }) => shown !== 'changed' || !isDefault),
    [settings.data, shown],
  );
  const filter = (
    <Select aria-label="Shown" options={SHOWN} value={shown} onChange={({ target }) => setShown(target.value)} />
  );
  return (
    <>
      <SettingsTabs />
      <PageHeader title="Effective settings">
        Of the worker that answered. They are set as environment variables and apply after a restart. Secrets are
        hidden.
      </PageHeader>
      <QueryView query={settings} what="the settings">
        {() => (
          <DataTable
            label="settings"
            rows={rows}
            columns={COLUMNS}
            keyOf={({ name }) => name}
            search={search}
            onSearch={setSearch}
            filters={filter}
            empty={
              <EmptyState title="Every setting has its default." action={filter}>
                Set environment variables to change that, and restart the gateway.
              </EmptyState>
            }
          />
        )}
      </QueryView>
    </>
  );
}
