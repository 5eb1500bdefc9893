import type { UseMutationResult } from '@tanstack/react-query';
import { Button } from '../button/Button.js';
import { Dialog } from '../dialog/Dialog.js';
import { DiffView } from '../json/DiffView.js';
import { JsonView } from '../json/JsonView.js';

interface ReviewDialogProps {
  readonly isOpen: boolean;
  readonly slug: string;
  /** Undefined for a new entry. */
  readonly before: unknown;
  readonly after: unknown;
  readonly save: UseMutationResult<unknown, Error, void>;
  readonly onClose: () => void;
}

/** Shows what is about to be saved, beside what is stored. */
export function ReviewDialog({ isOpen, slug, before, after, save, onClose }: ReviewDialogProps) {
  const isNew = before === undefined;
  const actions = (
    <>
      <Button onClick={onClose}>Continue editing</Button>
      <Button variant="primary" disabled={save.isPending} onClick={() => save.mutate()}>
        {isNew ? 'Create' : 'Save'}
      </Button>
    </>
  );
  return (
    <Dialog
      title={isNew ? `Create ${slug}?` : `Save ${slug}?`}
      isOpen={isOpen}
      onClose={onClose}
      isWide
      actions={actions}
    >
      {isNew ? (
        <JsonView label="New entry" value={after} />
      ) : (
        <DiffView before={before} after={after} titles={['Stored', 'After saving']} />
      )}
    </Dialog>
  );
}
