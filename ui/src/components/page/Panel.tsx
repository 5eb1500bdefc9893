import { useId, type ReactNode } from 'react';
import { classes } from '../classes.js';
import styles from './Panel.module.css';

interface PanelProps {
  readonly title?: string;
  readonly actions?: ReactNode;
  /** Without padding, for a table or a list that fills the panel. */
  readonly isFlush?: boolean;
  readonly children: ReactNode;
}

/** A part of a page with a heading. */
export function Panel({ title, actions, isFlush = false, children }: PanelProps) {
  const id = useId();
  return (
    <section className={styles['panel']} aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <div className={styles['heading']}>
          <h2 id={id}>{title}</h2>
          {actions !== undefined && <div className={styles['actions']}>{actions}</div>}
        </div>
      )}
      <div className={classes(!isFlush && styles['content'])}>{children}</div>
    </section>
  );
}
