import { Button } from '../button/Button.js';
import { DiffView } from '../json/DiffView.js';
import { Dialog } from './Dialog.js';

interface ConflictDialogProps {
  readonly isOpen: boolean;
  /** What is stored now. */
  readonly stored: unknown;
  /** What the caller wanted to store. */
  readonly mine: unknown;
  /** Discards the changes of the caller and shows what is stored. */
  readonly onDiscard: () => void;
  /** Continues to edit the own version, on top of the stored one. Saving it again replaces what is stored. */
  readonly onKeep: () => void;
}

/** Shown when somebody else has changed what the caller edits (412). Nothing is overwritten unseen. */
export function ConflictDialog({ isOpen, stored, mine, onDiscard, onKeep }: ConflictDialogProps) {
  const actions = (
    <>
      <Button onClick={onDiscard}>Discard my changes</Button>
      <Button variant="primary" onClick={onKeep}>
        Continue with my version
      </Button>
    </>
  );
  return (
    <Dialog
      title="Somebody else has changed this"
      isOpen={isOpen}
      onClose={onKeep}
      isWide
      description="Your changes were not saved. Compare both versions. If you continue with yours, save it again."
      actions={actions}
    >
      <DiffView before={stored} after={mine} titles={['Stored now', 'Your version']} />
    </Dialog>
  );
}
