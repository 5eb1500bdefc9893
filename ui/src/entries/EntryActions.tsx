import { ButtonLink, ConfirmButton, notify } from '../components/index.js';
import { navigate } from '../navigation/index.js';
import { usePermissions } from '../session/index.js';
import { deleteEntry } from './collection.js';
import styles from './entries.module.css';
import type { EntryKind } from './entry-kind.js';

interface EntryActionsProps {
  readonly kind: EntryKind;
  readonly slug: string;
  readonly etag: string;
}

export function EntryActions({ kind, slug, etag }: EntryActionsProps) {
  const { collection, path, deletion: consequence } = kind;
  const may = usePermissions();
  const deleted = () => {
    notify(`Deleted ${slug}.`);
    navigate(path);
  };
  return (
    <div className={styles['actions']}>
      {may(`PUT /${collection}/{slug}`) && <ButtonLink to={`${path}/${slug}/edit`}>Edit</ButtonLink>}
      {may(`DELETE /${collection}/{slug}`) && (
        <ConfirmButton
          label="Delete"
          title={`Delete ${slug}?`}
          variant="danger"
          act={() => deleteEntry(collection, slug, etag)}
          onDone={deleted}
        >
          {consequence} This cannot be undone.
        </ConfirmButton>
      )}
    </div>
  );
}
