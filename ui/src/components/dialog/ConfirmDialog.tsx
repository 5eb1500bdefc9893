import type { ReactNode } from 'react';
import { Button } from '../button/Button.js';
import { Problem } from '../page/Problem.js';
import { Dialog } from './Dialog.js';

interface ConfirmDialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  /** What happens, and whether it can be undone. */
  readonly children: ReactNode;
  readonly confirmLabel: string;
  readonly isDangerous?: boolean;
  readonly isPending?: boolean;
  readonly error?: Error | null;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks before an act that interrupts somebody or cannot be undone. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, isOpen, children, confirmLabel, isDangerous, isPending, error, onConfirm, onClose } = props;
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button variant={isDangerous ? 'danger' : 'primary'} disabled={isPending} onClick={onConfirm}>
        {confirmLabel}
      </Button>
    </>
  );
  return (
    <Dialog title={title} isOpen={isOpen} onClose={onClose} description={children} actions={actions}>
      {error ? <Problem cause={error} /> : undefined}
    </Dialog>
  );
}
