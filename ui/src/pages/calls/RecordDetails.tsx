import { Copyable, Definitions, JsonView, PageHeader, Panel, QueryView, Time } from '../../components/index.js';
import { CallFacts } from './CallFacts.js';
import styles from './calls.module.css';
import { Outcome } from './Outcome.js';
import { useRecord, type AuditRecord } from './record-queries.js';
import { Timeline } from './Timeline.js';
import { RelatedRecords } from './RelatedRecords.js';

function titleOf({ call, method, path, chainEvent }: AuditRecord): string {
  if (call) return `${call.item} of ${call.server}`;
  return chainEvent ? 'Event of a chain' : `${method} ${path}`;
}

export function RecordDetails({ id }: { readonly id: string }) {
  const record = useRecord(id);
  const parent =
    record.data && !record.data.call
      ? { title: 'Audit log', path: '/calls/audit' }
      : { title: 'Calls', path: '/calls' };
  return (
    <>
      <PageHeader title={record.data ? titleOf(record.data) : 'Record'} parent={parent}>
        {record.data && <Outcome record={record.data} />}
      </PageHeader>
      <QueryView query={record} what="the record">
        {(data) => (
          <div className={styles['stack']}>
            {data.call && <Timeline record={data} call={data.call} />}
            {data.call?.parkedCall !== undefined && <RelatedRecords record={data} />}
            <div className={styles['columns']}>
              {data.call && <CallFacts call={data.call} />}
              <Panel title="Request">
                <Definitions items={factsOf(data)} />
              </Panel>
            </div>
            {data.call?.arguments !== undefined && (
              <Panel title="Arguments">
                <JsonView label="Arguments as JSON" value={data.call.arguments} />
              </Panel>
            )}
            {data.chainEvent && (
              <Panel title="Event">
                <JsonView label="Event as JSON" value={data.chainEvent} />
              </Panel>
            )}
          </div>
        )}
      </QueryView>
    </>
  );
}

const copyable = (text: string | undefined, what: string) =>
  text === undefined || text === '' ? undefined : <Copyable text={text} what={what} />;

function factsOf(record: AuditRecord) {
  const { id, at, issuer, subject, roles, token, address, method, path, made, status, reason, count, chain } = record;
  return {
    Time: <Time at={at} />,
    Caller: copyable(subject, 'the subject of the caller'),
    Issuer: copyable(issuer, 'the issuer of the token'),
    Roles: roles.length > 0 ? roles.join(', ') : undefined,
    Token: copyable(token, 'the id of the token'),
    Address: address,
    Request: method === '' ? undefined : `${method} ${path}`,
    Created: copyable(made, 'the path of the resource'),
    Status: status === 0 ? 'the client had left' : status,
    Reason: reason,
    Times: count,
    Record: copyable(id, 'the id of the record'),
    'Recorded by': copyable(chain?.worker, 'the id of the worker'),
    'In its chain': chain && `number ${chain.sequence}`,
  };
}
