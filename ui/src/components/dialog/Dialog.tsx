import { useId, useLayoutEffect, useRef, type ReactNode, type SyntheticEvent } from 'react';
import { createPortal } from 'react-dom';
import { classes } from '../classes.js';
import styles from './Dialog.module.css';

interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly description?: ReactNode;
  readonly children?: ReactNode;
  /** Buttons at the end, the main one last. */
  readonly actions: ReactNode;
  /** Wide enough for two columns of text. */
  readonly isWide?: boolean;
}

/** A modal dialog. Escape closes it, and the focus returns to where it was. */
export function Dialog({ isOpen, ...props }: DialogProps) {
  // A component of its own, because the dialog must be closed before its element is removed: only then the focus returns.
  return isOpen && createPortal(<OpenDialog {...props} />, document.body);
}

function OpenDialog({ title, onClose, description, children, actions, isWide = false }: Omit<DialogProps, 'isOpen'>) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  const cancel = (event: SyntheticEvent) => {
    // A cancelled choice of a file inside the dialog is another event of this name.
    if (event.target !== event.currentTarget) return;
    event.preventDefault();
    onClose();
  };
  return (
    <dialog
      ref={dialog}
      className={classes(styles['dialog'], isWide && styles['wide'])}
      aria-labelledby={`${id}-title`}
      aria-describedby={description === undefined ? undefined : `${id}-description`}
      onCancel={cancel}
      // The browser closes it by itself when Escape is pressed again.
      onClose={({ currentTarget }) => !currentTarget.open && onClose()}
    >
      <h2 id={`${id}-title`} className={styles['title']}>
        {title}
      </h2>
      {description !== undefined && (
        <div id={`${id}-description`} className={styles['description']}>
          {description}
        </div>
      )}
      {children !== undefined && <div className={styles['content']}>{children}</div>}
      <div className={styles['actions']}>{actions}</div>
    </dialog>
  );
}
