import { EmptyState, Panel, QueryView } from '../../components/index.js';
import { ApprovalPanel } from './ApprovalPanel.js';
import { useApprovals } from './session-queries.js';
import styles from './sessions.module.css';
import { SessionTabs } from './SessionTabs.js';

export function ApprovalList() {
  const approvals = useApprovals();
  return (
    <>
      <SessionTabs>Calls that run only once an admin has approved them.</SessionTabs>
      <QueryView query={approvals} what="the approvals">
        {(all) => (
          <div className={styles['stack']}>
            {all.length === 0 && <NoApprovals />}
            {[...all.filter(isPending), ...all.filter((each) => !isPending(each)).toReversed()].map((approval) => (
              <ApprovalPanel key={approval.id} approval={approval} />
            ))}
          </div>
        )}
      </QueryView>
    </>
  );
}

const isPending = ({ state }: { readonly state: string }): boolean => state === 'pending';

function NoApprovals() {
  return (
    <Panel>
      <EmptyState title="No call waits for an approval.">
        A guardrail with the check <code>approval</code> and the option <code>by: admin</code> lets the calls of some
        tools wait here. What was decided is listed for ten minutes after its expiry; the audit log keeps who decided.
      </EmptyState>
    </Panel>
  );
}
