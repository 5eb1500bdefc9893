import type { FormEvent, ReactNode } from 'react';
import { useUnsavedChanges } from '../../navigation/index.js';
import { Problem } from '../page/Problem.js';
import { Button } from '../button/Button.js';
import styles from './Form.module.css';

interface FormProps {
  /** Called when the form is sent. */
  readonly onSubmit: () => void;
  readonly submitLabel: string;
  /** Unsaved changes exist: leaving the page needs a confirmation. */
  readonly isDirty: boolean;
  readonly isPending?: boolean;
  /** Why the form was not accepted. */
  readonly error?: Error | null;
  readonly onCancel?: () => void;
  /** Further actions beside the main one. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A form that warns before unsaved changes are left, and shows a refusal in the words of the API. */
export function Form(props: FormProps) {
  const { onSubmit, submitLabel, isDirty, isPending = false, error, onCancel, actions, children } = props;
  useUnsavedChanges(isDirty);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    onSubmit();
  };
  return (
    <form className={styles['form']} onSubmit={submit} noValidate>
      {children}
      {error && <Problem cause={error} />}
      <div className={styles['actions']}>
        <Button variant="primary" type="submit" disabled={isPending}>
          {submitLabel}
        </Button>
        {actions}
        {onCancel && (
          <Button variant="plain" onClick={onCancel}>
            Cancel
          </Button>
        )}
      </div>
    </form>
  );
}
