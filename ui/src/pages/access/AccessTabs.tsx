import type { Operation } from '../../api/index.js';
import { Tabs } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';

interface AccessTab {
  readonly title: string;
  readonly path: string;
  readonly operation: Operation;
}

const TABS: readonly AccessTab[] = [
  { title: 'Policies', path: '/access/policies', operation: 'GET /policies' },
  { title: 'Explain', path: '/access/explain', operation: 'POST /policy/explain' },
  { title: 'Teams', path: '/access/teams', operation: 'GET /teams' },
  { title: 'Tokens', path: '/access/tokens', operation: 'GET /tokens' },
  { title: 'Limits', path: '/access/limits', operation: 'GET /limits' },
];

/** The parts of the page that the caller may see. */
export function useAccessTabs(): readonly AccessTab[] {
  const may = usePermissions();
  return TABS.filter(({ operation }) => may(operation));
}

export function AccessTabs() {
  const tabs = useAccessTabs();
  return <Tabs label="Access" tabs={tabs} />;
}
