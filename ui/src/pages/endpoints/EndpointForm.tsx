import { useId, useState } from 'react';
import { Checkbox, Field, Select, TextArea, TextInput, type Entry } from '../../components/index.js';
import { textsOf } from '../../values/index.js';
import { ITEM_KINDS, type ItemKind, type SelectableServer } from './endpoint-queries.js';
import styles from './endpoints.module.css';

interface EndpointFormProps {
  readonly entry: Entry;
  readonly servers: readonly SelectableServer[];
  readonly onChange: (entry: Entry) => void;
}

/** Picks servers by name or tag, and their items by patterns. */
export function EndpointForm({ entry, servers, onChange }: EndpointFormProps) {
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...others } = entry;
    onChange(value === undefined ? others : { ...entry, [name]: value });
  };
  const tags = [...new Set([...servers.flatMap((server) => server.tags), ...textsOf(entry['tags'])])].toSorted();
  const slugs = [...new Set([...servers.map(({ slug }) => slug), ...textsOf(entry['servers'])])];
  return (
    <>
      <div className={styles['fields']}>
        <TextField label="Title" value={entry['title']} onChange={(value) => set('title', value)} />
        <TextField label="Team" value={entry['team']} onChange={(value) => set('team', value)} />
      </div>
      <Checkbox
        label="Public: anyone may use it without a token"
        checked={entry['public'] === true}
        onChange={({ target }) => set('public', target.checked || undefined)}
      />
      <Choices legend="Servers" names={slugs} value={entry['servers']} onChange={(value) => set('servers', value)} />
      {tags.length > 0 && (
        <Choices
          legend="Servers with a tag, including later ones"
          names={tags}
          value={entry['tags']}
          onChange={(value) => set('tags', value)}
        />
      )}
      <div className={styles['fields']}>
        {ITEM_KINDS.map((kind) => (
          <Patterns key={kind} kind={kind} value={entry[kind]} onChange={(value) => set(kind, value)} />
        ))}
      </div>
      <Field label="Instructions" hint="Shown to clients.">
        {(field) => (
          <TextArea
            {...field}
            value={typeof entry['instructions'] === 'string' ? entry['instructions'] : ''}
            onChange={({ target }) => set('instructions', target.value || undefined)}
          />
        )}
      </Field>
    </>
  );
}

interface PartProps {
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function TextField({ label, value, onChange }: PartProps & { readonly label: string }) {
  return (
    <Field label={label}>
      {(field) => (
        <TextInput
          {...field}
          value={typeof value === 'string' ? value : ''}
          onChange={({ target }) => onChange(target.value || undefined)}
        />
      )}
    </Field>
  );
}

function Choices({
  legend,
  names,
  value,
  onChange,
}: PartProps & { readonly legend: string; readonly names: readonly string[] }) {
  const chosen = textsOf(value);
  const toggle = (name: string) => {
    const next = chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name];
    onChange(next.length === 0 ? undefined : next);
  };
  return (
    <fieldset className={styles['group']}>
      <legend>{legend}</legend>
      {names.length === 0 ? (
        <p className={styles['muted']}>There is no server yet.</p>
      ) : (
        <div className={styles['choices']}>
          {names.map((name) => (
            <Checkbox key={name} label={name} checked={chosen.includes(name)} onChange={() => toggle(name)} />
          ))}
        </div>
      )}
    </fieldset>
  );
}

const SCOPES = { all: 'All', some: 'Only these' } as const;
const EXAMPLES: Readonly<Record<ItemKind, string>> = {
  tools: 'weather__get_*',
  prompts: 'weather__*',
  resources: 'files+file:///public/*',
};

/** All items of a kind, or those that match one of the patterns. */
function Patterns({ kind, value, onChange }: PartProps & { readonly kind: ItemKind }) {
  const id = useId();
  const [text, setText] = useState(textsOf(value).join('\n'));
  const isAll = value === undefined;
  const change = (next: string) => {
    setText(next);
    onChange(
      next
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean),
    );
  };
  return (
    <fieldset className={styles['group']}>
      <legend id={id}>{kind[0]?.toUpperCase() + kind.slice(1)}</legend>
      <Select
        aria-labelledby={id}
        options={SCOPES}
        value={isAll ? 'all' : 'some'}
        onChange={({ target }) => (target.value === 'all' ? onChange(undefined) : change(text))}
      />
      {!isAll && (
        <Field
          label={`Patterns of ${kind}`}
          hint={`One a line, such as ${EXAMPLES[kind]}. * stands for any characters.`}
        >
          {(field) => (
            <TextArea {...field} spellCheck={false} value={text} onChange={({ target }) => change(target.value)} />
          )}
        </Field>
      )}
    </fieldset>
  );
}
