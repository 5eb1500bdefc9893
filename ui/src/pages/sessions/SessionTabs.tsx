import { useLiveFigures } from '../../api/index.js';
import { PageHeader, Tabs } from '../../components/index.js';
import { useApprovals } from './session-queries.js';

/** The heading of the page and its parts, with how many entries each has. */
export function SessionTabs({ children }: { readonly children: string }) {
  const figures = useLiveFigures();
  const { data: approvals } = useApprovals();
  const pending = approvals?.filter(({ state }) => state === 'pending').length;
  const workers = figures && figures.workers.serving + figures.workers.draining + figures.workers.silent;
  return (
    <>
      <PageHeader title="Sessions and workers">{children}</PageHeader>
      <Tabs
        label="Parts of this page"
        tabs={[
          { path: '/sessions', title: 'Sessions', count: figures?.sessions },
          { path: '/sessions/parked-calls', title: 'Parked calls', count: figures?.parkedCalls },
          { path: '/sessions/approvals', title: 'Approvals', count: pending },
          { path: '/sessions/workers', title: 'Workers', count: workers },
        ]}
      />
    </>
  );
}
