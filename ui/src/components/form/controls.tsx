import type { ComponentProps } from 'react';
import { classes } from '../classes.js';
import styles from './controls.module.css';

export function TextInput({ className, ...rest }: ComponentProps<'input'>) {
  return <input className={classes(styles['control'], className)} {...rest} />;
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea className={classes(styles['control'], styles['area'], className)} {...rest} />;
}

interface SelectProps extends Omit<ComponentProps<'select'>, 'children'> {
  /** Texts by value, in their order. */
  readonly options: Readonly<Record<string, string>>;
}

export function Select({ options, className, ...rest }: SelectProps) {
  return (
    <select className={classes(styles['control'], className)} {...rest}>
      {Object.entries(options).map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

interface CheckboxProps extends Omit<ComponentProps<'input'>, 'type'> {
  readonly label: string;
}

export function Checkbox({ label, ...rest }: CheckboxProps) {
  return (
    <label className={styles['checkbox']}>
      <input type="checkbox" {...rest} />
      <span>{label}</span>
    </label>
  );
}
