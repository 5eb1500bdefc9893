import { useMemo, useState } from 'react';
import { classes } from '../classes.js';
import { TextInput } from '../form/controls.js';
import { EmptyState } from '../page/EmptyState.js';
import styles from './DataTable.module.css';
import { matching, nextSorting, sorted, type Column, type DataTableProps, type Sorting } from './rows.js';
import { TableBody } from './TableBody.js';

/**
 * A table of any length: only the visible rows exist in the document. Arrow keys move between rows, Enter opens one, and a
 * click on a heading sorts.
 */
export function DataTable<T>(props: DataTableProps<T>) {
  const { label, rows, columns, empty, filters, onSearch, paging } = props;
  const [ownSearch, setOwnSearch] = useState('');
  const [sorting, setSorting] = useState<Sorting>();
  const search = props.search ?? ownSearch;
  const isSearchedByApi = paging !== undefined;
  const found = useMemo(
    () => (isSearchedByApi ? rows : matching(rows, search, columns)),
    [isSearchedByApi, rows, search, columns],
  );
  const shown = useMemo(() => sorted(found, sorting, columns), [found, sorting, columns]);
  // A state, because the rows can be measured only once the element exists.
  const [scroll, setScroll] = useState<HTMLDivElement | null>(null);
  if (rows.length === 0 && search === '' && empty !== undefined)
    return <div className={styles['container']}>{empty}</div>;
  return (
    <div className={styles['container']}>
      <div className={styles['toolbar']}>
        <TextInput
          type="search"
          className={styles['search']}
          aria-label={`Search ${label}`}
          placeholder="Search"
          value={search}
          onChange={({ target }) => (onSearch ?? setOwnSearch)(target.value)}
        />
        {filters}
        <output className={styles['count']}>
          {shown.length === rows.length ? rows.length : `${shown.length} of ${rows.length}`}
          {paging?.hasMore === true && ' and more'}
        </output>
      </div>
      {shown.length === 0 ? (
        <EmptyState title="Nothing matches.">Change the search or the filters.</EmptyState>
      ) : (
        <div ref={setScroll} className={styles['scroll']}>
          <table role="grid" aria-label={label} aria-rowcount={shown.length + 1} className={styles['table']}>
            <TableHead columns={columns} sorting={sorting} onSort={(id) => setSorting(nextSorting(sorting, id))} />
            <TableBody {...props} rows={shown} scroll={scroll} />
          </table>
        </div>
      )}
    </div>
  );
}

interface TableHeadProps<T> {
  readonly columns: readonly Column<T>[];
  readonly sorting: Sorting | undefined;
  readonly onSort: (column: string) => void;
}

function TableHead<T>({ columns, sorting, onSort }: TableHeadProps<T>) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map(({ id, title, text, width, priority = 1 }) => {
          const direction = sorting?.column === id ? sorting.direction : undefined;
          return (
            <th
              key={id}
              scope="col"
              style={{ width }}
              aria-sort={direction}
              className={classes(styles['heading'], styles[`priority${priority}`])}
            >
              {text ? (
                <button type="button" className={styles['sort']} onClick={() => onSort(id)}>
                  {title}
                  <span aria-hidden="true">{direction && (direction === 'ascending' ? ' ↑' : ' ↓')}</span>
                </button>
              ) : (
                title
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
