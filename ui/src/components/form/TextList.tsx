import { useState, type ReactNode } from 'react';
import { Field } from './Field.js';
import { TextArea } from './controls.js';

interface TextListProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly value: unknown;
  /** Undefined: there is no text. */
  readonly onChange: (value: readonly string[] | undefined) => void;
}

/** A list of texts, one a line. */
export function TextList({ label, hint, value, onChange }: TextListProps) {
  const [text, setText] = useState(() => (Array.isArray(value) ? value.join('\n') : ''));
  const change = (next: string) => {
    setText(next);
    const lines = next.split('\n').map((line) => line.trim());
    const texts = lines.filter(Boolean);
    onChange(texts.length === 0 ? undefined : texts);
  };
  return (
    <Field label={label} hint={hint}>
      {(field) => (
        <TextArea
          {...field}
          rows={Math.min(8, Math.max(2, text.split('\n').length))}
          data-compact
          spellCheck={false}
          value={text}
          onChange={({ target }) => change(target.value)}
        />
      )}
    </Field>
  );
}
