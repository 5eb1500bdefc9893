import type { FormEvent } from 'react';
import { Button, Field, Select, TextInput } from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import styles from './calls.module.css';

/** What an address may filter by, with the labels of the fields. */
const TEXTS = {
  subject: 'Caller',
  server: 'Server',
  item: 'Tool, prompt or URI',
  path: 'Path',
  requestId: 'Request id',
  session: 'Session fingerprint',
} as const;
type TextFilter = keyof typeof TEXTS;

const OUTCOMES = { '': 'All outcomes', done: 'Done', refused: 'Refused', failed: 'Failed' };
const HOUR_MS = 3_600_000;
const WINDOWS = {
  '': 'All time',
  [HOUR_MS]: 'Last hour',
  [24 * HOUR_MS]: 'Last day',
  [7 * 24 * HOUR_MS]: 'Last week',
};

/** Filters of records, which the address keeps. */
export function useRecordFilters() {
  return {
    subject: useQueryParameter('subject'),
    server: useQueryParameter('server'),
    item: useQueryParameter('item'),
    path: useQueryParameter('path'),
    requestId: useQueryParameter('requestId'),
    session: useQueryParameter('session'),
    outcome: useQueryParameter('outcome'),
    window: useQueryParameter('window'),
  };
}

type Filters = ReturnType<typeof useRecordFilters>;

interface RecordFiltersProps {
  readonly filters: Filters;
  readonly fields: readonly TextFilter[];
}

/** The form that changes the filters. Choices count at once, texts with Enter or the button. */
export function RecordFilters({ filters, fields }: RecordFiltersProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    for (const name of fields) {
      const text = form.get(name);
      filters[name][1](typeof text === 'string' ? text.trim() : '');
    }
  };
  // Another address fills the fields again.
  const state = fields.map((name) => filters[name][0]).join('\n');
  return (
    <form key={state} className={styles['filters']} onSubmit={submit}>
      {fields.map((name) => (
        <Field key={name} label={TEXTS[name]}>
          {(field) => <TextInput {...field} name={name} defaultValue={filters[name][0]} />}
        </Field>
      ))}
      <Field label="Outcome">{(field) => <Choice {...field} options={OUTCOMES} filter={filters.outcome} />}</Field>
      <Field label="Time">{(field) => <Choice {...field} options={WINDOWS} filter={filters.window} />}</Field>
      <Button type="submit">Search</Button>
    </form>
  );
}

interface ChoiceProps {
  readonly id: string;
  readonly options: Readonly<Record<string, string>>;
  readonly filter: ReturnType<typeof useQueryParameter>;
}

function Choice({ id, options, filter: [value, set] }: ChoiceProps) {
  return <Select id={id} options={options} value={value} onChange={({ target }) => set(target.value)} />;
}
