import type { ReactNode } from 'react';

export interface Column<T> {
  readonly id: string;
  readonly title: string;
  /** What the cell shows. Default: its text. */
  readonly cell?: (row: T) => ReactNode;
  /** What is searched and sorted. A column without it can be neither. */
  readonly text?: (row: T) => string | number;
  /** A CSS width. Columns without one share the rest. */
  readonly width?: string;
  /** 1: always shown, 2: from medium widths on, 3: at wide ones only. */
  readonly priority?: 1 | 2 | 3;
}

export interface DataTableProps<T> {
  /** Names the table for screen readers. */
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  /** The page of a row: Enter or a click leads there. */
  readonly pathOf?: (row: T) => string;
  /** The search, if the address of the page keeps it. */
  readonly search?: string;
  readonly onSearch?: (search: string) => void;
  /** Further filters beside the search box. */
  readonly filters?: ReactNode;
  /** Shown instead of the table when there is no row at all and nothing is searched. */
  readonly empty: ReactNode | undefined;
  /** For a list that the API searches: its rows so far are shown as they are. */
  readonly paging?: Paging;
}

export interface Paging {
  readonly hasMore: boolean;
  /** Called when the end of the rows comes into view. */
  readonly readMore: () => void;
}

export interface Sorting {
  readonly column: string;
  readonly direction: 'ascending' | 'descending';
}

/** The sorting after another click on a heading: ascending, descending, and none. */
export function nextSorting(current: Sorting | undefined, column: string): Sorting | undefined {
  if (current?.column !== column) return { column, direction: 'ascending' };
  return current.direction === 'ascending' ? { column, direction: 'descending' } : undefined;
}

/** The rows that contain every word of the search, whatever its case. */
export function matching<T>(rows: readonly T[], search: string, columns: readonly Column<T>[]): readonly T[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const text = columns
      .map((column) => column.text?.(row) ?? '')
      .join('\n')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

export function sorted<T>(
  rows: readonly T[],
  sorting: Sorting | undefined,
  columns: readonly Column<T>[],
): readonly T[] {
  const text = columns.find(({ id }) => id === sorting?.column)?.text;
  if (!sorting || !text) return rows;
  const sign = sorting.direction === 'ascending' ? 1 : -1;
  return rows.toSorted((one, other) => sign * compare(text(one), text(other)));
}

const compare = (one: string | number, other: string | number): number =>
  typeof one === 'number' && typeof other === 'number' ? one - other : collator.compare(String(one), String(other));
