import type { ChangeEvent } from 'react';
import { Field, TextArea, TextInput } from '../../components/index.js';

interface DocumentFieldsProps {
  /** What documents are accepted. */
  readonly hint: string;
  /** Endings of their files. */
  readonly accept: string;
  readonly document: string;
  readonly onChange: (document: string) => void;
}

/** A document: chosen as a file, or pasted. */
export function DocumentFields({ hint, accept, document, onChange }: DocumentFieldsProps) {
  const read = async ({ target }: ChangeEvent<HTMLInputElement>) => onChange((await target.files?.[0]?.text()) ?? '');
  return (
    <>
      <Field label="File" hint={hint}>
        {(field) => <TextInput {...field} type="file" accept={accept} onChange={(event) => void read(event)} />}
      </Field>
      <Field label="Document" isRequired>
        {(field) => (
          <TextArea
            {...field}
            rows={14}
            spellCheck={false}
            value={document}
            onChange={({ target }) => onChange(target.value)}
          />
        )}
      </Field>
    </>
  );
}
