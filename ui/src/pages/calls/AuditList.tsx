import { Caller, EmptyState, Select, Time, type Column } from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { Outcome } from './Outcome.js';
import { RecordFilters, useRecordFilters } from './RecordFilters.js';
import type { AuditRecord, RecordFilter } from './record-queries.js';
import { RecordTable } from './RecordTable.js';
import { RecordTabs } from './RecordTabs.js';
import styles from './calls.module.css';

const KINDS = { '': 'Changes, refusals and calls', change: 'Changes', refusal: 'Refusals', chain: 'Chains' };
const FIELDS = ['subject', 'path'] as const;

/** What happened, in the fewest words. */
function textOf({ method, path, call, chainEvent }: AuditRecord): string {
  if (chainEvent) return `chain ${String(chainEvent['event'])}`;
  if (call) return `${call.rpcMethod} ${call.item} of ${call.server}`;
  return `${method} ${path}`;
}

const COLUMNS: readonly Column<AuditRecord>[] = [
  { id: 'at', title: 'Time', width: '14rem', text: ({ at }) => at, cell: ({ at }) => <Time at={at} />, priority: 2 },
  { id: 'what', title: 'What', text: textOf, cell: (record) => <span title={textOf(record)}>{textOf(record)}</span> },
  {
    id: 'caller',
    title: 'Caller',
    width: '11rem',
    text: ({ issuer, subject }) => `${issuer}|${subject}`,
    cell: ({ issuer, subject }) => (subject === '' ? 'unknown' : <Caller principal={`${issuer}|${subject}`} />),
    priority: 2,
  },
  {
    id: 'outcome',
    title: 'Outcome',
    width: '9rem',
    text: ({ outcome }) => outcome,
    cell: (record) => <Outcome record={record} />,
  },
  { id: 'status', title: 'Status', width: '5rem', text: ({ status }) => status, priority: 3 },
  {
    id: 'reason',
    title: 'Reason',
    text: ({ reason = '' }) => reason,
    cell: ({ reason = '' }) => <span title={reason}>{reason}</span>,
    priority: 3,
  },
];

const isKind = (text: string): text is RecordFilter['kind'] => Object.hasOwn(KINDS, text);

export function AuditList() {
  const filters = useRecordFilters();
  const [kind, setKind] = useQueryParameter('kind');
  const { subject, path, outcome, window } = filters;
  const filter: RecordFilter = {
    kind: isKind(kind) ? kind : '',
    subject: subject[0],
    server: '',
    item: '',
    path: path[0],
    requestId: '',
    session: '',
    outcome: outcome[0],
    window: window[0],
  };
  return (
    <>
      <RecordTabs>Changes, refusals and calls, each in the chain of the worker that has recorded it.</RecordTabs>
      <div className={styles['kind']}>
        <Select aria-label="Kind" options={KINDS} value={kind} onChange={({ target }) => setKind(target.value)} />
      </div>
      <RecordFilters filters={filters} fields={FIELDS} />
      <RecordTable label="audit records" filter={filter} columns={COLUMNS} empty={<NoRecords />} />
    </>
  );
}

function NoRecords() {
  return (
    <EmptyState title="Nothing is recorded yet.">
      Every change of the configuration, every refused request, and calls as configured appear here.
    </EmptyState>
  );
}
