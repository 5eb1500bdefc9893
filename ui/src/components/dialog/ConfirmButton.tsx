import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Button, type ButtonProps } from '../button/Button.js';
import { ConfirmDialog } from './ConfirmDialog.js';

interface ConfirmButtonProps extends Pick<ButtonProps, 'size' | 'variant'> {
  readonly label: string;
  readonly title: string;
  /** What happens, and whether it can be undone. */
  readonly children: ReactNode;
  /** Default: the label. */
  readonly confirmLabel?: string;
  readonly act: () => Promise<unknown>;
  readonly onDone?: () => void;
}

/** A button for an act that interrupts somebody or cannot be undone. It asks first, and shows why the act was refused. */
export function ConfirmButton(props: ConfirmButtonProps) {
  const { label, title, children, confirmLabel = label, act, onDone, variant = 'secondary', size = 'normal' } = props;
  const [isAsking, setIsAsking] = useState(false);
  // What the act changes may remove this button, so the end of the act is awaited by the mutation and not by its call.
  const { mutate, reset, isPending, error } = useMutation({
    mutationFn: act,
    onSuccess: () => {
      setIsAsking(false);
      onDone?.();
    },
  });
  const close = () => {
    setIsAsking(false);
    reset();
  };
  return (
    <>
      <Button variant={variant} size={size} onClick={() => setIsAsking(true)}>
        {label}
      </Button>
      <ConfirmDialog
        title={title}
        isOpen={isAsking}
        confirmLabel={confirmLabel}
        isDangerous={variant === 'danger'}
        isPending={isPending}
        error={error}
        onConfirm={() => mutate()}
        onClose={close}
      >
        {children}
      </ConfirmDialog>
    </>
  );
}
