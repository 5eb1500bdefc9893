import type { ReactNode } from 'react';
import { Checkbox, Field, Select, TextArea, TextInput, TextList } from '../components/index.js';
import { textOf, textsOf } from '../values/index.js';
import styles from './entries.module.css';
import type { EntryFormProps } from './entry-kind.js';

interface FieldGroupProps {
  readonly title: string;
  readonly children: ReactNode;
}

/** Members of an entry that belong together. */
export function FieldGroup({ title, children }: FieldGroupProps) {
  return (
    <fieldset className={styles['group']}>
      <legend>{title}</legend>
      <div className={styles['fields']}>{children}</div>
    </fieldset>
  );
}

interface MemberProps extends Pick<EntryFormProps, 'entry' | 'set'> {
  /** Name of the member. */
  readonly name: string;
  readonly label: string;
  readonly hint?: ReactNode;
}

export function TextMember({ entry, set, name, label, hint, isLong }: MemberProps & { readonly isLong?: boolean }) {
  const value = textOf(entry[name]);
  return (
    <Field label={label} hint={hint}>
      {(field) =>
        isLong ? (
          <TextArea
            {...field}
            data-compact
            rows={2}
            value={value}
            onChange={({ target }) => set(name, target.value || undefined)}
          />
        ) : (
          <TextInput
            {...field}
            autoComplete="off"
            value={value}
            onChange={({ target }) => set(name, target.value || undefined)}
          />
        )
      }
    </Field>
  );
}

export function NumberMember({ entry, set, name, label, hint }: MemberProps) {
  const value = entry[name];
  return (
    <Field label={label} hint={hint}>
      {(field) => (
        <TextInput
          {...field}
          type="number"
          step={1}
          value={typeof value === 'number' ? value : ''}
          onChange={({ target }) => set(name, target.value === '' ? undefined : target.valueAsNumber)}
        />
      )}
    </Field>
  );
}

export function ListMember({ entry, set, name, label, hint }: MemberProps) {
  return <TextList label={label} hint={hint} value={entry[name]} onChange={(value) => set(name, value)} />;
}

interface ChoiceMemberProps extends MemberProps {
  readonly options: Readonly<Record<string, string>>;
  /** The value that an absent member stands for. */
  readonly absent?: string;
}

export function ChoiceMember({ entry, set, name, label, hint, options, absent }: ChoiceMemberProps) {
  return (
    <Field label={label} hint={hint}>
      {(field) => (
        <Select
          {...field}
          options={options}
          value={textOf(entry[name]) || (absent ?? '')}
          onChange={({ target }) => set(name, target.value === absent ? undefined : target.value)}
        />
      )}
    </Field>
  );
}

interface SetMemberProps extends Pick<EntryFormProps, 'entry' | 'set'> {
  readonly name: string;
  readonly title: string;
  readonly options: Readonly<Record<string, string>>;
}

/** Some of a few values. */
export function SetMember({ entry, set, name, title, options }: SetMemberProps) {
  const chosen = textsOf(entry[name]);
  const toggle = (value: string) => {
    const next = chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value];
    set(name, next.length === 0 ? undefined : next);
  };
  return (
    <FieldGroup title={title}>
      {Object.entries(options).map(([value, label]) => (
        <Checkbox key={value} label={label} checked={chosen.includes(value)} onChange={() => toggle(value)} />
      ))}
    </FieldGroup>
  );
}
