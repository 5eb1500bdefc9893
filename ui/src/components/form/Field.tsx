import { useId, type ReactNode } from 'react';
import styles from './Field.module.css';

/** What ties a control to its label, its hint and its fault. */
export interface FieldBinding {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean | undefined;
  readonly required: boolean | undefined;
}

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** Why the value is not accepted. */
  readonly fault?: string | undefined;
  readonly isRequired?: boolean;
  readonly children: (field: FieldBinding) => ReactNode;
}

/** A control with its label, what it means, and what is wrong with its value. */
export function Field({ label, hint, fault, isRequired = false, children }: FieldProps) {
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, fault !== undefined && `${id}-fault`].filter(Boolean);
  return (
    <div className={styles['field']}>
      <label htmlFor={id} className={styles['label']}>
        {label}
        {isRequired && <span className={styles['required']}> (required)</span>}
      </label>
      {children({
        id,
        'aria-describedby': described.length > 0 ? described.join(' ') : undefined,
        'aria-invalid': fault === undefined ? undefined : true,
        required: isRequired || undefined,
      })}
      {hint !== undefined && (
        <div id={`${id}-hint`} className={styles['hint']}>
          {hint}
        </div>
      )}
      {fault !== undefined && (
        <div id={`${id}-fault`} className={styles['fault']}>
          {fault}
        </div>
      )}
    </div>
  );
}
