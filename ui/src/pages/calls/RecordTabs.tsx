import { PageHeader, Tabs } from '../../components/index.js';

export function RecordTabs({ children }: { readonly children: string }) {
  return (
    <>
      <PageHeader title="Calls and audit">{children}</PageHeader>
      <Tabs
        label="Parts of this page"
        tabs={[
          { path: '/calls', title: 'Calls' },
          { path: '/calls/audit', title: 'Audit log' },
        ]}
      />
    </>
  );
}
