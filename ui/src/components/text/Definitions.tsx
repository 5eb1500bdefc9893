import type { ReactNode } from 'react';
import styles from './Definitions.module.css';

/** Names with their values. A value that is undefined is omitted. */
export function Definitions({ items }: { readonly items: Readonly<Record<string, ReactNode | undefined>> }) {
  const shown = Object.entries(items).filter(([, value]) => value !== undefined);
  return (
    <dl className={styles['list']}>
      {shown.map(([name, value]) => (
        <div key={name} className={styles['row']}>
          <dt className={styles['name']}>{name}</dt>
          <dd className={styles['value']}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
