import type { ReactNode } from 'react';
import { classes } from '../classes.js';
import styles from './Group.module.css';

interface GroupProps {
  /** Empty for fields whose surroundings name them. */
  readonly label: string;
  readonly hint?: string | undefined;
  readonly children: ReactNode;
}

/** Fields that belong together. */
export function Group({ label, hint, children }: GroupProps) {
  return (
    <fieldset className={classes(styles['group'], label !== '' && styles['nested'])}>
      {label !== '' && <legend className={styles['legend']}>{label}</legend>}
      {hint !== undefined && <p className={styles['hint']}>{hint}</p>}
      {children}
    </fieldset>
  );
}
