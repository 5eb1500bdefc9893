import { Dialog as Base } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';
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
export function Dialog({ title, isOpen, onClose, description, children, actions, isWide = false }: DialogProps) {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles['backdrop']} />
        <Base.Popup className={classes(styles['dialog'], isWide && styles['wide'])}>
          <Base.Title className={styles['title']}>{title}</Base.Title>
          {description !== undefined && (
            <Base.Description className={styles['description']} render={<div />}>
              {description}
            </Base.Description>
          )}
          {children !== undefined && <div className={styles['content']}>{children}</div>}
          <div className={styles['actions']}>{actions}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
