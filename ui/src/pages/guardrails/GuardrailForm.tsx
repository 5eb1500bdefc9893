import { useId } from 'react';
import { initialValue, SchemaForm } from '../../components/index.js';
import {
  ChoiceMember,
  FieldGroup,
  ListMember,
  NumberMember,
  SetMember,
  TextMember,
  type EntryFormProps,
} from '../../entries/index.js';
import { textOf } from '../../values/index.js';
import { useChecks, type Check } from './guardrail-queries.js';
import styles from './guardrails.module.css';

export const MODES = {
  enforce: 'decides what happens',
  observe: 'records what it would have done, and changes nothing',
  off: 'does not run',
} as const;
const FAILURES = { refuse: 'Refuse the value', pass: 'Let the value pass' } as const;

const toChoices = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([value, text]) => [value, `${value}: ${text}`]));

/** The form of a guardrail, with the options of the check that it names. */
export function GuardrailForm({ entry, onChange, set }: EntryFormProps) {
  const checks = useChecks().data ?? [];
  const member = { entry, set };
  const check = checks.find(({ name }) => name === entry['check']);
  const names = [...checks.map(({ name }) => name), ...(check ? [] : [textOf(entry['check'])])];
  const choose = (name: string) => {
    const { options: _options, phases: _phases, ...others } = entry;
    const schema = checks.find((each) => each.name === name)?.options ?? {};
    const options = initialValue(schema, schema);
    const isEmpty = typeof options !== 'object' || options === null || Object.keys(options).length === 0;
    onChange({ ...others, check: name, ...(!isEmpty && { options }) });
  };
  return (
    <>
      <FieldGroup title="Guardrail">
        <ChoiceMember
          entry={entry}
          set={(_name, value) => choose(textOf(value))}
          name="check"
          label="Check"
          options={Object.fromEntries(['', ...names].map((name) => [name, name || 'Choose …']))}
        />
        <ChoiceMember {...member} name="mode" label="Mode" options={toChoices(MODES)} absent="enforce" />
        <NumberMember {...member} name="order" label="Order" hint="Lower ones run first. Default: 0." />
        <TextMember {...member} name="description" label="Description" />
      </FieldGroup>
      {check && <Options check={check} entry={entry} set={set} />}
      <FieldGroup title="Selects, one name a line; * stands for any characters">
        <ListMember {...member} name="servers" label="Servers" hint="Empty: all servers." />
        <ListMember {...member} name="tools" label="Tools" hint="Empty: tools, prompts and resources." />
        <ListMember {...member} name="teams" label="Teams of the caller" hint="Empty: every caller." />
      </FieldGroup>
      {check && (
        <SetMember
          {...member}
          name="phases"
          title="Phases (none chosen: all of these)"
          options={Object.fromEntries(check.phases.map((phase) => [phase, phase]))}
        />
      )}
      <FieldGroup title="If the check fails">
        <ChoiceMember {...member} name="onFailure" label="What happens" options={FAILURES} absent="refuse" />
        <TextMember {...member} name="deadline" label="Deadline" hint="Such as 500ms. Default: 5s." />
      </FieldGroup>
    </>
  );
}

function Options({ check, entry, set }: Pick<EntryFormProps, 'entry' | 'set'> & { readonly check: Check }) {
  const id = useId();
  const { name, options } = check;
  if (Object.keys((options as { properties?: object }).properties ?? {}).length === 0) return null;
  return (
    <section className={styles['options']} aria-labelledby={id}>
      <h2 id={id}>Options of {name}</h2>
      <SchemaForm
        key={name}
        schema={options}
        label=""
        value={entry['options']}
        onChange={(value) => set('options', value)}
        isRequired={false}
      />
    </section>
  );
}
