import { Caller, EmptyState, ShortId, Time, type Column } from '../../components/index.js';
import { AuditHint } from './AuditHint.js';
import { Outcome } from './Outcome.js';
import { RecordFilters, useRecordFilters } from './RecordFilters.js';
import type { AuditRecord } from './record-queries.js';
import { RecordTable } from './RecordTable.js';
import { RecordTabs } from './RecordTabs.js';

const FIELDS = ['subject', 'server', 'item', 'requestId', 'session'] as const;

const textOfMs = (ms: number | undefined): string => (ms === undefined ? '' : `${Math.round(ms)} ms`);

const COLUMNS: readonly Column<AuditRecord>[] = [
  { id: 'at', title: 'Time', width: '14rem', text: ({ at }) => at, cell: ({ at }) => <Time at={at} />, priority: 2 },
  { id: 'item', title: 'Item', text: ({ call }) => call?.item ?? '' },
  { id: 'server', title: 'Server', width: '9rem', text: ({ call }) => call?.server ?? '', priority: 2 },
  {
    id: 'caller',
    title: 'Caller',
    width: '11rem',
    text: ({ issuer, subject }) => `${issuer}|${subject}`,
    cell: ({ issuer, subject }) => <Caller principal={`${issuer}|${subject}`} />,
    priority: 3,
  },
  {
    id: 'outcome',
    title: 'Outcome',
    width: '8rem',
    text: ({ outcome }) => outcome,
    cell: (record) => <Outcome record={record} />,
  },
  {
    id: 'worker',
    title: 'Worker',
    width: '12rem',
    text: ({ chain, call }) => [chain?.worker, call?.forwardedTo, call?.forwardedFrom].join(' '),
    cell: ({ chain, call }) => <Workers worker={chain?.worker} call={call} />,
    priority: 3,
  },
  {
    id: 'took',
    title: 'Took',
    width: '6rem',
    text: ({ call }) => call?.totalMs ?? 0,
    cell: ({ call }) => textOfMs(call?.totalMs),
    priority: 3,
  },
];

interface WorkersProps {
  readonly worker: string | undefined;
  readonly call: AuditRecord['call'];
}

/** The worker to which the client connected, and the one that ran the call. */
function Workers({ worker, call }: WorkersProps) {
  const [first, other] = call?.forwardedFrom === undefined ? [worker, call?.forwardedTo] : [call.forwardedFrom, worker];
  return (
    <>
      {first !== undefined && <ShortId id={first} />}
      {other !== undefined && (
        <>
          {' → '}
          <ShortId id={other} />
        </>
      )}
    </>
  );
}

export function CallList() {
  const filters = useRecordFilters();
  const { subject, server, item, requestId, session, outcome, window } = filters;
  const filter = {
    kind: 'call',
    subject: subject[0],
    server: server[0],
    item: item[0],
    path: '',
    requestId: requestId[0],
    session: session[0],
    outcome: outcome[0],
    window: window[0],
  } as const;
  return (
    <>
      <RecordTabs>Who used which tool, prompt or resource, how it ended, and where the time went.</RecordTabs>
      <AuditHint />
      <RecordFilters filters={filters} fields={FIELDS} />
      <RecordTable label="calls" filter={filter} columns={COLUMNS} empty={<NoCalls />} />
    </>
  );
}

function NoCalls() {
  return (
    <EmptyState title="No call is recorded.">
      A call appears here about a tenth of a second after its answer, if calls of its server are recorded.
    </EmptyState>
  );
}
