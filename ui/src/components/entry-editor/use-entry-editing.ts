import { useMutation, type UseMutationResult } from '@tanstack/react-query';
import { useState } from 'react';
import { isConflict } from '../../api/index.js';
import { discardUnsavedChanges } from '../../navigation/index.js';

export type Entry = Record<string, unknown>;

/** An entry that is not saved yet. */
export interface EntryDraft {
  readonly slug: string;
  readonly entry: Entry;
}

/** An entry as it is stored, with the version that a change must name. */
export interface StoredEntry extends EntryDraft {
  readonly etag: string;
}

interface EditingOptions {
  readonly stored?: StoredEntry;
  readonly initial?: EntryDraft;
  readonly save: (draft: EntryDraft, etag: string | undefined) => Promise<unknown>;
  readonly reload?: () => Promise<StoredEntry>;
  readonly onSaved: (slug: string) => void;
}

type Step = 'edit' | 'review' | 'conflict';

interface EntryEditing {
  readonly draft: EntryDraft;
  readonly change: (draft: EntryDraft) => void;
  /** What is stored, as far as it is known. */
  readonly base: StoredEntry | undefined;
  readonly isDirty: boolean;
  /** Changes when the draft is replaced as a whole. */
  readonly version: number;
  readonly step: Step;
  readonly setStep: (step: Step) => void;
  readonly save: UseMutationResult<unknown, Error, void>;
  /** Continues with what is stored. */
  readonly discard: () => void;
}

const EMPTY: EntryDraft = { slug: '', entry: {} };

/** The draft of an entry from its first change until it is saved. */
export function useEntryEditing({ stored, initial = EMPTY, save, reload, onSaved }: EditingOptions): EntryEditing {
  const [draft, setDraft] = useState<EntryDraft>(stored ?? initial);
  const [base, setBase] = useState(stored);
  const [isDirty, setIsDirty] = useState(false);
  const [version, setVersion] = useState(0);
  const [step, setStep] = useState<Step>('edit');
  const saving = useMutation({
    mutationFn: () => save(draft, base?.etag),
    onSuccess: () => {
      discardUnsavedChanges();
      onSaved(draft.slug);
    },
    onError: async (cause) => {
      setStep('edit');
      if (!isConflict(cause) || !reload) return;
      setBase(await reload());
      setStep('conflict');
    },
  });
  return {
    draft,
    base,
    isDirty,
    version,
    step,
    setStep,
    save: saving,
    change: (next) => {
      setDraft(next);
      setIsDirty(true);
    },
    discard: () => {
      setDraft(base ?? initial);
      setIsDirty(false);
      setVersion(version + 1);
      setStep('edit');
      saving.reset();
    },
  };
}
