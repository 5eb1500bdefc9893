import type { ReactNode } from 'react';
import { Button, DataTable, Loading, Problem, type Column } from '../../components/index.js';
import { useRecords, type AuditRecord, type RecordFilter } from './record-queries.js';
import styles from './calls.module.css';

interface RecordTableProps {
  readonly label: string;
  readonly filter: RecordFilter;
  readonly columns: readonly Column<AuditRecord>[];
  /** Shown when there is no record at all. */
  readonly empty: ReactNode;
}

/** The records that match, newest first. */
export function RecordTable({ label, filter, columns, empty }: RecordTableProps) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useRecords(filter);
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  const isFiltered = Object.entries(filter).some(([name, value]) => name !== 'kind' && value !== '');
  return (
    <div className={styles['stack']}>
      {error && <Problem cause={error} retry={() => void refetch()} />}
      {!data && !error && <Loading what="the records" />}
      {data && (
        <DataTable
          label={label}
          rows={rows}
          columns={columns}
          keyOf={({ id }) => id}
          pathOf={({ id }) => `/calls/${id}`}
          filters={
            <Button disabled={isFetching} onClick={() => void refetch()}>
              Refresh
            </Button>
          }
          empty={isFiltered ? undefined : empty}
        />
      )}
      {hasNextPage && (
        <div>
          <Button disabled={isFetching} onClick={() => void fetchNextPage()}>
            {isFetching ? 'Loading …' : 'Show older records'}
          </Button>
        </div>
      )}
    </div>
  );
}
