import { useState, type ChangeEvent } from 'react';
import { Checkbox, Field, Form, notify, PageHeader, Panel, TextArea, TextInput } from '../../components/index.js';
import { discardUnsavedChanges, navigate } from '../../navigation/index.js';
import { parseObject } from '../../values/index.js';
import { ImportPreview } from './ImportPreview.js';
import styles from './settings.module.css';
import { SettingsTabs } from './SettingsTabs.js';
import { ConfigurationChanged, useImport, usePreview, type Preview } from './settings-queries.js';

/** Reads a document, shows what it would change, and imports that. */
export function Import() {
  const [preview, setPreview] = useState<Preview>();
  const importing = useImport();
  const apply = (shown: Preview) =>
    importing.mutate(shown, {
      onSuccess: ({ created, updated, deleted }) => {
        discardUnsavedChanges();
        notify(`Imported: ${created.length} created, ${updated.length} updated, ${deleted.length} deleted.`);
        navigate('/settings');
      },
      onError: (cause) => {
        if (cause instanceof ConfigurationChanged) setPreview(cause.current);
      },
    });
  return (
    <>
      <SettingsTabs />
      <PageHeader title="Import">All of it or nothing. You see every difference before anything is changed.</PageHeader>
      <div className={styles['stack']}>
        <DocumentForm isFolded={preview !== undefined} onPreview={setPreview} />
        {preview && (
          <ImportPreview
            preview={preview}
            isPending={importing.isPending}
            error={importing.error}
            onApply={() => apply(preview)}
            onCancel={() => setPreview(undefined)}
          />
        )}
      </div>
    </>
  );
}

interface DocumentFormProps {
  readonly isFolded: boolean;
  readonly onPreview: (preview: Preview) => void;
}

function DocumentForm({ isFolded, onPreview }: DocumentFormProps) {
  const [text, setText] = useState('');
  const [replace, setReplace] = useState(false);
  const [fault, setFault] = useState<Error>();
  const previewing = usePreview();
  const read = async ({ target }: ChangeEvent<HTMLInputElement>) => setText((await target.files?.[0]?.text()) ?? '');
  const submit = () => {
    const document = parseObject(text);
    setFault(document ? undefined : new Error('The document is no JSON object. Choose the file of an export.'));
    if (document) previewing.mutate({ document, replace }, { onSuccess: onPreview });
  };
  return (
    <div hidden={isFolded}>
      <Panel>
        <Form
          onSubmit={submit}
          submitLabel="Show the changes"
          isDirty={text !== ''}
          isPending={previewing.isPending}
          error={fault ?? previewing.error}
        >
          <Field label="File">
            {(field) => <TextInput {...field} type="file" accept=".json" onChange={(event) => void read(event)} />}
          </Field>
          <Field label="Document" isRequired hint="An export, or one in the same format.">
            {(field) => (
              <TextArea
                {...field}
                rows={12}
                spellCheck={false}
                value={text}
                onChange={({ target }) => setText(target.value)}
              />
            )}
          </Field>
          <Checkbox
            label="Delete the entries of the admin API that the document does not have"
            checked={replace}
            onChange={({ target }) => setReplace(target.checked)}
          />
        </Form>
      </Panel>
    </div>
  );
}
