import { useId, useState } from 'react';
import { Checkbox, Field, Select, TextArea, TextField } from '../../components/index.js';
import { TextMember, type EntryFormProps } from '../../entries/index.js';
import { textsOf } from '../../values/index.js';
import { ITEM_KINDS, useItems, useSelectableServers, type ItemKind } from './endpoint-queries.js';
import styles from './endpoints.module.css';
import { selectableNames, selectedServers } from './selection.js';

/** Browsers show few suggestions, and slow down with thousands of them. */
const MAX_SUGGESTIONS = 50;
const NONE = [] as const;

/** Picks servers by name or tag, and their items by patterns. */
export function EndpointForm({ entry, set }: EntryFormProps) {
  const servers = useSelectableServers().data ?? NONE;
  const items = useItems().data;
  const selected = selectedServers(entry, servers);
  const member = { entry, set };
  const tags = [...new Set([...servers.flatMap((server) => server.tags), ...textsOf(entry['tags'])])].toSorted();
  const slugs = [...new Set([...servers.map(({ slug }) => slug), ...textsOf(entry['servers'])])];
  return (
    <>
      <div className={styles['fields']}>
        <TextMember {...member} name="title" label="Title" />
        <TextMember {...member} name="team" label="Team" />
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
          <Patterns
            key={kind}
            kind={kind}
            names={items ? selectableNames(kind, selected, items) : []}
            value={entry[kind]}
            onChange={(value) => set(kind, value)}
          />
        ))}
      </div>
      <TextMember {...member} name="instructions" label="Instructions" hint="Shown to clients." isLong />
    </>
  );
}

interface PartProps {
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
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

interface PatternsProps extends PartProps {
  readonly kind: ItemKind;
  /** The items that can be picked. */
  readonly names: readonly string[];
}

/** All items of a kind, or those that match one of the patterns. */
function Patterns({ kind, names, value, onChange }: PatternsProps) {
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
        <>
          <ItemPicker
            kind={kind}
            names={names.filter((name) => !textsOf(value).includes(name))}
            onPick={(name) => change(text.trim() === '' ? name : `${text.trimEnd()}\n${name}`)}
          />
          <Field
            label={`Patterns of ${kind}`}
            hint={`One a line, such as ${EXAMPLES[kind]}. * stands for any characters.`}
          >
            {(field) => (
              <TextArea {...field} spellCheck={false} value={text} onChange={({ target }) => change(target.value)} />
            )}
          </Field>
        </>
      )}
    </fieldset>
  );
}

interface ItemPickerProps {
  readonly kind: ItemKind;
  readonly names: readonly string[];
  readonly onPick: (name: string) => void;
}

/** Adds an item by its name, with suggestions while it is typed. */
function ItemPicker({ kind, names, onPick }: ItemPickerProps) {
  const [typed, setTyped] = useState('');
  const change = (next: string) => {
    const isPicked = names.includes(next);
    if (isPicked) onPick(next);
    setTyped(isPicked ? '' : next);
  };
  const suggestions = names.filter((name) => name.includes(typed)).slice(0, MAX_SUGGESTIONS);
  return (
    <TextField
      label={`Pick from ${kind}`}
      placeholder="Name"
      value={typed}
      suggestions={suggestions}
      onChange={change}
    />
  );
}
