import { Link } from 'wouter';
import type { ReactNode } from 'react';
import { classes } from '../classes.js';
import styles from './Button.module.css';

interface ButtonLinkProps {
  readonly to: string;
  readonly variant?: 'primary' | 'secondary';
  readonly children: ReactNode;
}

/** A link that leads to the main act of a page. */
export function ButtonLink({ to, variant = 'secondary', children }: ButtonLinkProps) {
  return (
    <Link href={to} className={classes(styles['button'], styles[variant], styles['normal'])}>
      {children}
    </Link>
  );
}
