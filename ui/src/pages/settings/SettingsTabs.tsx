import type { Operation } from '../../api/index.js';
import { Tabs } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';

const TABS: readonly { readonly title: string; readonly path: string; readonly operation: Operation }[] = [
  { title: 'Effective settings', path: '/settings', operation: 'GET /settings' },
  { title: 'Export', path: '/settings/export', operation: 'GET /export' },
  { title: 'Import', path: '/settings/import', operation: 'POST /import' },
];

export function SettingsTabs() {
  const may = usePermissions();
  return <Tabs label="Settings" tabs={TABS.filter(({ operation }) => may(operation))} />;
}
