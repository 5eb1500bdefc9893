import { useMemo } from 'react';
import { classes } from '../classes.js';
import { diffLines, type DiffRow } from './differences.js';
import styles from './DiffView.module.css';

interface DiffViewProps {
  /** A text, or a value that is shown as JSON. Undefined: nothing exists on this side. */
  readonly before: unknown;
  readonly after: unknown;
  readonly titles?: readonly [before: string, after: string];
  /** Names it for screen readers, where a page shows several. Default: the titles. */
  readonly label?: string;
}

const DEFAULT_TITLES = ['Before', 'After'] as const;

/** Two values side by side, or one below the other where it is narrow, with a sign and a colour at each line that differs. */
export function DiffView({ before, after, titles = DEFAULT_TITLES, label }: DiffViewProps) {
  const rows = useMemo(() => diffLines(toText(before), toText(after)), [before, after]);
  const isSame = rows.every(({ isChanged }) => !isChanged);
  return (
    <section className={styles['scroll']} aria-label={label ?? `${titles[0]} and ${titles[1]}`} tabIndex={0}>
      <table className={styles['table']}>
        <thead>
          <tr>
            {titles.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Row key={index} {...row} />
          ))}
        </tbody>
        {isSame && <caption className={styles['same']}>There is no difference.</caption>}
      </table>
    </section>
  );
}

function Row({ before, after, isChanged }: DiffRow) {
  return (
    <tr className={classes(!isChanged && styles['equal'])}>
      <td className={classes(isChanged && before !== undefined && styles['removed'])}>{before}</td>
      <td className={classes(isChanged && after !== undefined && styles['added'])}>{after}</td>
    </tr>
  );
}

const toText = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
