import { Field, Select, TextArea, TextInput } from '../../components/index.js';
import type { ServerJsonInput } from './server-queries.js';

const USES = {
  argument: 'Argument of the program.',
  environment: 'Environment variable of the program.',
  header: 'Header of each request.',
  url: 'Part of the URL.',
} as const;

interface InputFieldProps {
  readonly input: ServerJsonInput;
  readonly value: string;
  readonly isMissing: boolean;
  readonly onChange: (value: string) => void;
}

/** A value that a document asks for. A repeated one has a value per line. */
export function InputField({ input, value, isMissing, onChange }: InputFieldProps) {
  const { name, isRequired, isSecret, isRepeated, placeholder } = input;
  const choices = choicesOf(input);
  const change = ({ target }: { readonly target: { readonly value: string } }) => onChange(target.value);
  return (
    <Field label={name} isRequired={isRequired} hint={hintOf(input)} fault={isMissing ? 'Give a value.' : undefined}>
      {(field) => {
        if (isRepeated) return <TextArea {...field} value={value} placeholder={placeholder} onChange={change} />;
        if (choices) return <Select {...field} options={choices} value={value} onChange={change} />;
        return (
          <TextInput
            {...field}
            type={isSecret ? 'password' : 'text'}
            autoComplete={isSecret ? 'new-password' : 'off'}
            spellCheck={false}
            placeholder={placeholder}
            value={value}
            onChange={change}
          />
        );
      }}
    </Field>
  );
}

function choicesOf({ choices, format }: ServerJsonInput): Readonly<Record<string, string>> | undefined {
  const values = choices ?? (format === 'boolean' ? ['true', 'false'] : undefined);
  return values && { '': 'No value', ...Object.fromEntries(values.map((value) => [value, value] as const)) };
}

function hintOf({ use, description = '', isSecret, isRepeated }: ServerJsonInput): string {
  const parts = [
    description === '' ? '' : /[.!?]$/.test(description) ? description : `${description}.`,
    USES[use],
    isRepeated ? 'One value a line.' : '',
    isSecret ? 'A secret: its value, or ${secret:name} for a named secret.' : '',
  ];
  return parts.filter(Boolean).join(' ');
}
