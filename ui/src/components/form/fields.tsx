import type { ReactNode } from 'react';
import { Select, TextArea, TextInput } from './controls.js';
import { Field } from './Field.js';

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly isRequired?: boolean;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

interface TextFieldProps extends FieldProps {
  readonly placeholder?: string;
  /** Values that exist. Others can be typed as well. */
  readonly suggestions?: readonly string[];
}

const NONE: readonly string[] = [];

export function TextField({ value, onChange, placeholder, suggestions = NONE, ...field }: TextFieldProps) {
  return (
    <Field {...field}>
      {(binding) => (
        <>
          <TextInput
            {...binding}
            list={suggestions.length > 0 ? `${binding.id}-known` : undefined}
            autoComplete="off"
            spellCheck={false}
            placeholder={placeholder}
            value={value}
            onChange={({ target }) => onChange(target.value)}
          />
          {suggestions.length > 0 && (
            <datalist id={`${binding.id}-known`}>
              {suggestions.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

export function SelectField({
  value,
  onChange,
  options,
  ...field
}: FieldProps & { readonly options: Readonly<Record<string, string>> }) {
  return (
    <Field {...field}>
      {(binding) => (
        <Select {...binding} options={options} value={value} onChange={({ target }) => onChange(target.value)} />
      )}
    </Field>
  );
}

/** A text over several lines, such as JSON. */
export function LongTextField({ value, onChange, ...field }: FieldProps) {
  return (
    <Field {...field}>
      {(binding) => (
        <TextArea
          {...binding}
          data-compact
          rows={Math.min(8, Math.max(2, value.split('\n').length))}
          spellCheck={false}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  );
}
