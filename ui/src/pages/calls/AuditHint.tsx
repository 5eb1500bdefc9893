import { useCallAuditMode } from './record-queries.js';
import styles from './calls.module.css';

const RECORDED: Readonly<Record<string, string>> = {
  none: 'Only calls that a policy has denied are recorded.',
  refused: 'Only refused calls are recorded.',
};

/** Says what to configure when not all calls are recorded. */
export function AuditHint() {
  const { data: mode = '' } = useCallAuditMode();
  const recorded = RECORDED[mode];
  if (recorded === undefined) return null;
  return (
    <p className={styles['hint']}>
      {recorded} To record all of them, start the workers with <code>ISTHMUS_AUDIT_CALLS=all</code>, or set{' '}
      <code>audit: all</code> in the entry of a server.
    </p>
  );
}
