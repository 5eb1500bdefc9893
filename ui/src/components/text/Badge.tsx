import type { ReactNode } from 'react';
import { classes } from '../classes.js';
import styles from './Badge.module.css';

export type Tone = 'good' | 'warning' | 'bad' | 'neutral' | 'info';

/** The sign says the same as the colour. */
const SIGNS: Readonly<Record<Tone, string>> = { good: '●', warning: '▲', bad: '✕', neutral: '○', info: '◆' };

interface BadgeProps {
  readonly tone: Tone;
  readonly children: ReactNode;
  readonly title?: string | undefined;
}

/** A state in one or two words. */
export function Badge({ tone, children, title }: BadgeProps) {
  return (
    <span className={classes(styles['badge'], styles[tone])} title={title}>
      <span aria-hidden="true" className={styles['sign']}>
        {SIGNS[tone]}
      </span>
      {children}
    </span>
  );
}
