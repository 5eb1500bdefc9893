import { Fragment, useState, type ReactNode } from 'react';
import type { JsonSchema } from '../../api/index.js';
import { Button } from '../button/Button.js';
import { ConflictDialog } from '../dialog/ConflictDialog.js';
import { Field } from '../form/Field.js';
import { Form } from '../form/Form.js';
import { TextInput } from '../form/controls.js';
import { SchemaForm } from '../schema-form/SchemaForm.js';
import { ReviewDialog } from './ReviewDialog.js';
import { useEntryEditing, type Entry, type EntryDraft, type StoredEntry } from './use-entry-editing.js';

export interface EntryEditorProps {
  /** The schema of the entry, and the document in which its references are found. */
  readonly schema: JsonSchema;
  readonly document: JsonSchema;
  /** The entry to change. Absent: a new one is created. */
  readonly stored?: StoredEntry;
  /** What a new entry begins with. */
  readonly initial?: EntryDraft;
  /** Creates the entry, or replaces the version that `etag` names. */
  readonly save: (draft: EntryDraft, etag: string | undefined) => Promise<unknown>;
  /** Reads the stored entry again after a conflict. */
  readonly reload?: () => Promise<StoredEntry>;
  readonly onSaved: (slug: string) => void;
  readonly onCancel: () => void;
  /** A form of its own for this kind of entry. Default: one by the schema. */
  readonly renderForm?: (entry: Entry, change: (entry: Entry) => void) => ReactNode;
  /** Shown below the form, such as a test of the draft. */
  readonly children?: ((draft: EntryDraft) => ReactNode) | undefined;
}

/**
 * Creates or changes an entry of the configuration: a form by its schema or its JSON, the difference before it is saved, and
 * both versions if somebody else has changed it meanwhile.
 */
export function EntryEditor(props: EntryEditorProps) {
  const { schema, document, stored, onCancel, renderForm, children } = props;
  const editing = useEntryEditing(props);
  const { draft, change, base, save, step, setStep } = editing;
  const [isJson, setIsJson] = useState(false);
  const isNew = stored === undefined;
  return (
    <>
      <Form
        onSubmit={() => setStep('review')}
        submitLabel={isNew ? 'Review and create' : 'Review and save'}
        isDirty={editing.isDirty}
        error={step === 'review' ? null : save.error}
        onCancel={onCancel}
        actions={<Button onClick={() => setIsJson(!isJson)}>{isJson ? 'Edit as form' : 'Edit as JSON'}</Button>}
      >
        {isNew && <SlugField value={draft.slug} onChange={(slug) => change({ ...draft, slug })} />}
        {renderForm && !isJson ? (
          <Fragment key={editing.version}>{renderForm(draft.entry, (entry) => change({ ...draft, entry }))}</Fragment>
        ) : (
          <SchemaForm
            key={`${String(isJson)} ${editing.version}`}
            schema={isJson ? {} : schema}
            document={document}
            label={isJson ? 'Entry' : ''}
            value={draft.entry}
            onChange={(entry) => change({ ...draft, entry: (entry ?? {}) as Entry })}
          />
        )}
        {children?.(draft)}
      </Form>
      <ReviewDialog
        isOpen={step === 'review'}
        slug={draft.slug}
        before={base?.entry}
        after={draft.entry}
        save={save}
        onClose={() => setStep('edit')}
      />
      <ConflictDialog
        isOpen={step === 'conflict'}
        stored={base?.entry}
        mine={draft.entry}
        onDiscard={editing.discard}
        onKeep={() => setStep('edit')}
      />
    </>
  );
}

interface SlugFieldProps {
  readonly value: string;
  readonly onChange: (slug: string) => void;
}

function SlugField({ value, onChange }: SlugFieldProps) {
  return (
    <Field label="Name" isRequired hint="Part of URLs and of public names. It cannot be changed later.">
      {(field) => (
        <TextInput
          {...field}
          autoComplete="off"
          spellCheck={false}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  );
}
