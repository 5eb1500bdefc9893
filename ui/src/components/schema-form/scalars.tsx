import { useState } from 'react';
import { Field } from '../form/Field.js';
import { Select, TextArea, TextInput } from '../form/controls.js';
import { descriptionOf, type EditorProps } from './editor.js';
import { choicesOf, type Choice } from './schema.js';

const LONG_TEXT = 500;
const ABSENT = '';
const BOOLEANS: readonly Choice[] = [true, false].map((value) => ({ value, title: String(value) }));

export function ConstantEditor({ schema, label }: EditorProps) {
  return (
    <Field label={label} hint={descriptionOf(schema)}>
      {(field) => <TextInput {...field} value={String(schema['const'])} readOnly />}
    </Field>
  );
}

/** One of the values that a schema names, or of true and false. */
export function ChoiceEditor({ schema, label, value, onChange, isRequired }: EditorProps) {
  const known = choicesOf(schema) ?? BOOLEANS;
  const values = known.map((choice) => choice.value);
  const isChosen = value !== undefined;
  const absent = 'default' in schema ? `Default (${String(schema['default'])})` : isRequired ? 'Choose …' : 'Default';
  const choices = known.map(({ title }, index) => [`value ${index}`, title] as const);
  const options = { ...(!(isRequired && isChosen) && { [ABSENT]: absent }), ...Object.fromEntries(choices) };
  return (
    <Field label={label} hint={descriptionOf(schema)} isRequired={isRequired}>
      {(field) => (
        <Select
          {...field}
          options={options}
          value={isChosen ? `value ${values.indexOf(value)}` : ABSENT}
          onChange={({ target }) =>
            onChange(target.value === ABSENT ? undefined : values[Number(target.value.replace('value ', ''))])
          }
        />
      )}
    </Field>
  );
}

export function NumberEditor({ schema, label, value, onChange, isRequired }: EditorProps) {
  const { minimum, maximum, type } = schema;
  return (
    <Field label={label} hint={descriptionOf(schema)} isRequired={isRequired}>
      {(field) => (
        <TextInput
          {...field}
          type="number"
          step={type === 'integer' ? 1 : 'any'}
          min={typeof minimum === 'number' ? minimum : undefined}
          max={typeof maximum === 'number' ? maximum : undefined}
          placeholder={'default' in schema ? String(schema['default']) : undefined}
          value={typeof value === 'number' ? value : ''}
          onChange={({ target }) => onChange(target.value === '' ? undefined : target.valueAsNumber)}
        />
      )}
    </Field>
  );
}

export function TextEditor({ schema, label, value, onChange, isRequired }: EditorProps) {
  const { maxLength, format, writeOnly } = schema;
  const isLong = typeof maxLength === 'number' && maxLength > LONG_TEXT && format !== 'uri';
  const isSecret = writeOnly === true || format === 'password';
  const text = typeof value === 'string' ? value : toJson(value);
  const change = (next: string) => onChange(next === '' && !isRequired ? undefined : next);
  return (
    <Field label={label} hint={descriptionOf(schema)} isRequired={isRequired}>
      {(field) =>
        isLong || text.includes('\n') ? (
          <TextArea {...field} value={text} onChange={({ target }) => change(target.value)} />
        ) : (
          <TextInput
            {...field}
            type={isSecret ? 'password' : 'text'}
            autoComplete="off"
            spellCheck={false}
            placeholder={'default' in schema ? String(schema['default']) : undefined}
            value={text}
            onChange={({ target }) => change(target.value)}
          />
        )
      }
    </Field>
  );
}

const toJson = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value, undefined, 2));

/** Any value, as JSON. */
export function JsonEditor({ schema, label, value, onChange, isRequired }: EditorProps) {
  const [text, setText] = useState(toJson(value));
  const [fault, setFault] = useState<string>();
  const change = (next: string) => {
    setText(next);
    try {
      onChange(next.trim() === '' ? undefined : JSON.parse(next));
      setFault(undefined);
    } catch {
      setFault('This is not valid JSON yet; the last valid value is used.');
    }
  };
  return (
    <Field label={label} hint={descriptionOf(schema) ?? 'JSON'} fault={fault} isRequired={isRequired}>
      {(field) => (
        <TextArea {...field} spellCheck={false} value={text} onChange={({ target }) => change(target.value)} />
      )}
    </Field>
  );
}
