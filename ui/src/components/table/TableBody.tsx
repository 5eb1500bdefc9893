import { useEffect, useState, type ComponentProps, type KeyboardEvent, type MouseEvent } from 'react';
import { useLocation } from 'wouter';
import { classes } from '../classes.js';
import styles from './DataTable.module.css';
import { ROW_HEIGHT_PX, scrollToRow, useRowWindow } from './row-window.js';
import type { Column, DataTableProps, Paging } from './rows.js';

/** Rows that are read before they come into view, so that scrolling does not wait for them. */
const READ_AHEAD = 150;
const ROWS_OF_A_PAGE = 10;

interface TableBodyProps<T> extends DataTableProps<T> {
  readonly scroll: HTMLDivElement | null;
}

export function TableBody<T>({ rows, columns, keyOf, pathOf, paging, scroll }: TableBodyProps<T>) {
  const { first, end } = useRowWindow(scroll, rows.length);
  const behaviourOf = useRowBehaviour(rows, pathOf, (index) => {
    if (scroll) scrollToRow(scroll, index);
    // The row exists once the table has heard of the new position.
    requestAnimationFrame(() => scroll?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus());
  });
  useReadMore(paging, end > rows.length - READ_AHEAD);
  return (
    <tbody>
      <Spacer height={first * ROW_HEIGHT_PX} />
      {rows.slice(first, end).map((row, place) => {
        const index = first + place;
        return (
          <tr
            key={keyOf(row)}
            data-index={index}
            aria-rowindex={index + 2}
            className={classes(styles['row'], pathOf && styles['link'])}
            {...behaviourOf(index, row)}
          >
            {columns.map((column) => (
              <Cell key={column.id} column={column} row={row} />
            ))}
          </tr>
        );
      })}
      <Spacer height={(rows.length - end) * ROW_HEIGHT_PX} />
    </tbody>
  );
}

/** Reads further rows before the end of those that are known. */
function useReadMore(paging: Paging | undefined, isNearEnd: boolean): void {
  const { hasMore = false, readMore } = paging ?? {};
  useEffect(() => {
    if (isNearEnd && hasMore) readMore?.();
  }, [isNearEnd, hasMore, readMore]);
}

type RowBehaviour = Pick<ComponentProps<'tr'>, 'tabIndex' | 'onFocus' | 'onKeyDown' | 'onClick'>;

/** One row takes part in the order of the Tab key; arrow keys move to the others. */
function useRowBehaviour<T>(
  rows: readonly T[],
  pathOf: ((row: T) => string) | undefined,
  focus: (index: number) => void,
): (index: number, row: T) => RowBehaviour {
  const [, navigate] = useLocation();
  const [focused, setFocused] = useState(0);
  const onKeyDown = (event: KeyboardEvent, index: number, row: T) => {
    if (event.target !== event.currentTarget) return;
    const target = targetOf(event.key, index, rows.length);
    if (target !== undefined) focus(target);
    else if (event.key === 'Enter' && pathOf) navigate(pathOf(row));
    else return;
    event.preventDefault();
  };
  const onClick = (event: MouseEvent, row: T) => {
    // Controls in a row act for themselves, and a selection of text is no click.
    const isControl = (event.target as Element).closest('a, button, input, select') !== null;
    if (pathOf && !isControl && window.getSelection()?.isCollapsed !== false) navigate(pathOf(row));
  };
  return (index, row) => ({
    tabIndex: index === Math.min(focused, rows.length - 1) ? 0 : -1,
    onFocus: () => setFocused(index),
    onKeyDown: (event) => onKeyDown(event, index, row),
    onClick: (event) => onClick(event, row),
  });
}

function Cell<T>({ column, row }: { readonly column: Column<T>; readonly row: T }) {
  const { cell, text, priority = 1 } = column;
  return <td className={classes(styles['cell'], styles[`priority${priority}`])}>{cell ? cell(row) : text?.(row)}</td>;
}

/** Takes the space of the rows that do not exist. Its cell spans no columns: those that are hidden in a narrow table would get a width. */
function Spacer({ height }: { readonly height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true">
      <td aria-hidden="true" style={{ height, padding: 0 }} />
    </tr>
  );
}

function targetOf(key: string, index: number, count: number): number | undefined {
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + ROWS_OF_A_PAGE,
    PageUp: index - ROWS_OF_A_PAGE,
    Home: 0,
    End: count - 1,
  };
  const target = targets[key];
  return target === undefined ? undefined : Math.max(0, Math.min(count - 1, target));
}
