import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { isConflict } from '../../api/index.js';
import { Button, ConflictDialog, Field, Form, notify, Panel, TextArea, TextInput } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';
import { memberOf } from './definition-parts.js';
import { refreshItem, savePresentation, type DefinedItem, type ItemKey, type Presentation } from './item-queries.js';

interface PresentationFormProps {
  readonly item: ItemKey;
  readonly known: DefinedItem;
  readonly etag: string;
}

const presentationOf = ({ shownName = '', shownDescription = '' }: DefinedItem): Presentation => ({
  name: shownName,
  description: shownDescription,
});

/** The name and description that clients see instead of those of the server. */
export function PresentationForm(props: PresentationFormProps) {
  const may = usePermissions();
  if (!may('PUT /tools/{server}/{name}/presentation')) return null;
  return <OpenForm {...props} />;
}

function OpenForm(props: PresentationFormProps) {
  const { item, known } = props;
  const { draft, setDraft, isDirty, save, saving, conflict, resolve } = usePresentation(props);
  const isPresented = known.shownName !== undefined || known.shownDescription !== undefined;
  return (
    <Panel title="What clients see">
      <Form
        onSubmit={() => save(draft)}
        submitLabel="Save"
        isDirty={isDirty}
        isPending={saving.isPending}
        error={isConflict(saving.error) ? null : saving.error}
        actions={
          isPresented && (
            <Button disabled={saving.isPending} onClick={() => save({ name: '', description: '' })}>
              Show the texts of the server
            </Button>
          )
        }
      >
        <PresentationFields item={item} known={known} draft={draft} onChange={setDraft} />
      </Form>
      <ConflictDialog
        isOpen={conflict !== undefined}
        stored={conflict}
        mine={draft}
        onDiscard={() => resolve('discard')}
        onKeep={() => resolve('keep')}
      />
    </Panel>
  );
}

interface PresentationFieldsProps extends Omit<PresentationFormProps, 'etag'> {
  readonly draft: Presentation;
  readonly onChange: (draft: Presentation) => void;
}

function PresentationFields({ item, known, draft, onChange }: PresentationFieldsProps) {
  const hasNames = item.kind === 'tools' || item.kind === 'prompts';
  return (
    <>
      <Field
        label={hasNames ? 'Name' : 'Display name'}
        hint={hasNames ? 'Calls use it. Empty: the name that the server gives.' : 'Empty: that of the server.'}
      >
        {(field) => (
          <TextInput
            {...field}
            autoComplete="off"
            spellCheck={false}
            placeholder={hasNames ? item.name : (memberOf(known.seen, 'name') ?? '')}
            value={draft.name}
            onChange={({ target }) => onChange({ ...draft, name: target.value })}
          />
        )}
      </Field>
      <Field label="Description" hint="Empty: the description that the server gives.">
        {(field) => (
          <TextArea
            {...field}
            rows={4}
            value={draft.description}
            onChange={({ target }) => onChange({ ...draft, description: target.value })}
          />
        )}
      </Field>
    </>
  );
}

const isSame = (one: Presentation, other: Presentation): boolean =>
  one.name === other.name && one.description === other.description;

function usePresentation({ item, known, etag }: PresentationFormProps) {
  const stored = presentationOf(known);
  /** What the changes were made to. */
  const [base, setBase] = useState(stored);
  const [draft, setDraft] = useState(stored);
  const [conflict, setConflict] = useState<Presentation>();
  const isDirty = !isSame(draft, base);
  if (!isDirty && !isSame(stored, base)) {
    setBase(stored);
    setDraft(stored);
  }
  const saving = useMutation({
    mutationFn: (next: Presentation) => savePresentation(item, next, etag),
    onSuccess: (_data, next) => {
      setBase(next);
      setDraft(next);
      notify(`Saved what clients see of ${item.name}.`);
    },
    onError: async (cause) => {
      if (isConflict(cause)) setConflict(presentationOf(await refreshItem(item)));
    },
  });
  const save = (next: Presentation) => (isSame(stored, base) ? saving.mutate(next) : setConflict(stored));
  const resolve = (how: 'discard' | 'keep') => {
    if (!conflict) return;
    setBase(conflict);
    if (how === 'discard') setDraft(conflict);
    setConflict(undefined);
  };
  return { draft, setDraft, isDirty, save, saving, conflict, resolve };
}
