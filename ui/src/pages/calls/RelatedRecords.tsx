import { PageLink, Panel, QueryView, Time } from '../../components/index.js';
import styles from './calls.module.css';
import { Outcome } from './Outcome.js';
import { useRelatedRecords, type AuditRecord } from './record-queries.js';

/** All requests of a parked call: the one that began it, and those with which its client answered questions. */
export function RelatedRecords({ record }: { readonly record: AuditRecord }) {
  const related = useRelatedRecords(record);
  return (
    <Panel title="Requests of this parked call">
      <QueryView query={related} what="the requests">
        {(records) => (
          <ol className={styles['related']}>
            {records.map((each) => (
              <li key={each.id} className={styles['step']}>
                {each.id === record.id ? (
                  <strong>this request</strong>
                ) : (
                  <PageLink to={`/calls/${each.id}`}>request</PageLink>
                )}
                <Time at={each.at} />
                <Outcome record={each} />
              </li>
            ))}
          </ol>
        )}
      </QueryView>
    </Panel>
  );
}
