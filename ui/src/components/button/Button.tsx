import type { ComponentProps } from 'react';
import { classes } from '../classes.js';
import styles from './Button.module.css';

export interface ButtonProps extends ComponentProps<'button'> {
  readonly variant?: 'primary' | 'secondary' | 'danger' | 'plain';
  readonly size?: 'normal' | 'small';
}

export function Button({ variant = 'secondary', size = 'normal', type = 'button', className, ...rest }: ButtonProps) {
  return (
    <button type={type} className={classes(styles['button'], styles[variant], styles[size], className)} {...rest} />
  );
}
