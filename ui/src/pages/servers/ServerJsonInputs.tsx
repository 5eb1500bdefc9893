import { useState } from 'react';
import { Field, Form, Panel, Select } from '../../components/index.js';
import { InputField } from './InputField.js';
import { LeftOut } from './LeftOut.js';
import { leftOutOf, useServerJsonImport, type ServerJsonDraft, type ServerJsonInput } from './server-queries.js';
import styles from './servers.module.css';

interface ServerJsonInputsProps {
  readonly document: string;
  readonly draft: ServerJsonDraft;
  readonly onDraft: (draft: ServerJsonDraft) => void;
  readonly onFilled: (draft: ServerJsonDraft) => void;
  readonly onBack: () => void;
}

/** Asks for the package or remote, and for the values that it needs. */
export function ServerJsonInputs({ document, draft, onDraft, onFilled, onBack }: ServerJsonInputsProps) {
  const { choice, inputs } = draft;
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [missing, setMissing] = useState<readonly string[]>([]);
  const convert = useServerJsonImport();
  const choose = (next: string) => {
    setMissing([]);
    convert.mutate({ document, choice: next, inputs: {} }, { onSuccess: onDraft });
  };
  const submit = () =>
    convert.mutate(
      { document, choice, inputs: Object.fromEntries(inputs.map((input) => [input.input, toValues(input, values)])) },
      {
        onSuccess: (filled) => {
          const open = filled.inputs.filter(({ isMissing }) => isMissing).map(({ input }) => input);
          setMissing(open);
          if (open.length === 0) onFilled(filled);
        },
      },
    );
  return (
    <div className={styles['stack']}>
      <Panel>
        <Form
          onSubmit={submit}
          submitLabel="Continue"
          isDirty={Object.keys(values).length > 0}
          isPending={convert.isPending}
          error={convert.error}
          onCancel={onBack}
        >
          <ChoiceField draft={draft} onChoose={choose} />
          {inputs.map((input) => (
            <InputField
              key={input.input}
              input={input}
              value={values[input.input] ?? input.default ?? ''}
              isMissing={missing.includes(input.input)}
              onChange={(value) => setValues({ ...values, [input.input]: value })}
            />
          ))}
          {inputs.length === 0 && <p className={styles['muted']}>It asks for no values.</p>}
        </Form>
      </Panel>
      <LeftOut parts={leftOutOf(draft)} />
    </div>
  );
}

interface ChoiceFieldProps {
  readonly draft: ServerJsonDraft;
  readonly onChoose: (choice: string) => void;
}

function ChoiceField({ draft, onChoose }: ChoiceFieldProps) {
  const choices = draft.choices.filter(({ unsupported }) => unsupported === undefined);
  if (choices.length < 2) return null;
  return (
    <Field label="Package or remote" hint="A remote needs nothing on this machine; a package becomes a program here.">
      {(field) => (
        <Select
          {...field}
          options={Object.fromEntries(choices.map((each) => [each.choice, each.label]))}
          value={draft.choice}
          onChange={({ target }) => onChoose(target.value)}
        />
      )}
    </Field>
  );
}

function toValues(
  { input, isRepeated, default: fallback = '' }: ServerJsonInput,
  values: Readonly<Record<string, string>>,
) {
  const value = values[input] ?? fallback;
  return isRepeated ? value.split('\n').filter((line) => line.trim() !== '') : value;
}
