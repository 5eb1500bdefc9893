import { useState } from 'react';
import { Button } from '../button/Button.js';
import { TextInput } from '../form/controls.js';
import { Icon } from '../text/Icon.js';
import { isObject } from '../../values/index.js';
import { descriptionOf, type EditorProps } from './editor.js';
import { Group } from './Group.js';
import styles from './Group.module.css';
import { initialValue, resolveSchema } from './schema.js';

export function ListEditor(props: EditorProps) {
  const { schema, document, label, onChange, isRequired, depth, Nested } = props;
  const items: readonly unknown[] = Array.isArray(props.value) ? props.value : [];
  const itemSchema = isObject(schema['items']) ? schema['items'] : {};
  const change = (next: readonly unknown[]) => onChange(next.length === 0 && !isRequired ? undefined : next);
  const added = initialValue(itemSchema, document) ?? emptyOf(resolveSchema(itemSchema, document));
  return (
    <Group label={label} hint={descriptionOf(schema)}>
      {items.map((item, index) => (
        <div key={index} className={styles['item']}>
          <div className={styles['itemValue']}>
            <Nested
              schema={itemSchema}
              document={document}
              label={`${label} ${index + 1}`}
              value={item}
              onChange={(next) => change(items.with(index, next ?? ''))}
              isRequired
              depth={depth + 1}
              Nested={Nested}
            />
          </div>
          <RemoveButton what={`${label} ${index + 1}`} onClick={() => change(items.toSpliced(index, 1))} />
        </div>
      ))}
      <AddButton what={label} onClick={() => change([...items, added])} />
    </Group>
  );
}

const emptyOf = ({ type }: Readonly<Record<string, unknown>>): unknown => (type === 'object' ? {} : '');

/** Values by names that the user chooses, such as headers. */
export function MapEditor(props: EditorProps) {
  const { schema, document, label, onChange, isRequired, depth, Nested } = props;
  const value = isObject(props.value) ? props.value : {};
  const itemSchema = isObject(schema['additionalProperties']) ? schema['additionalProperties'] : {};
  const change = (next: Readonly<Record<string, unknown>>) =>
    onChange(Object.keys(next).length === 0 && !isRequired ? undefined : next);
  const remove = (removed: string) => {
    const { [removed]: _, ...others } = value;
    change(others);
  };
  const add = (name: string) =>
    change({ ...value, [name]: initialValue(itemSchema, document) ?? emptyOf(resolveSchema(itemSchema, document)) });
  return (
    <Group label={label} hint={descriptionOf(schema)}>
      {Object.entries(value).map(([each, item]) => (
        <div key={each} className={styles['item']}>
          <div className={styles['itemValue']}>
            <Nested
              schema={itemSchema}
              document={document}
              label={each}
              value={item}
              onChange={(next) => change({ ...value, [each]: next ?? '' })}
              isRequired
              depth={depth + 1}
              Nested={Nested}
            />
          </div>
          <RemoveButton what={each} onClick={() => remove(each)} />
        </div>
      ))}
      <NewName label={label} taken={value} onAdd={add} />
    </Group>
  );
}

interface NewNameProps {
  readonly label: string;
  readonly taken: Readonly<Record<string, unknown>>;
  readonly onAdd: (name: string) => void;
}

function NewName({ label, taken, onAdd }: NewNameProps) {
  const [name, setName] = useState('');
  const chosen = name.trim();
  const add = () => {
    onAdd(chosen);
    setName('');
  };
  return (
    <div className={styles['item']}>
      <div className={styles['itemName']}>
        <TextInput
          aria-label={`Name of the new entry of ${label}`}
          placeholder="Name"
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
      </div>
      <AddButton what={label} onClick={add} isDisabled={chosen === '' || chosen in taken} />
    </div>
  );
}

interface ActionProps {
  readonly what: string;
  readonly onClick: () => void;
  readonly isDisabled?: boolean;
}

function AddButton({ what, onClick, isDisabled }: ActionProps) {
  return (
    <div>
      <Button size="small" aria-label={`Add to ${what}`} disabled={isDisabled} onClick={onClick}>
        + Add
      </Button>
    </div>
  );
}

function RemoveButton({ what, onClick }: ActionProps) {
  return (
    <Button variant="plain" aria-label={`Remove ${what}`} onClick={onClick}>
      <Icon name="close" />
    </Button>
  );
}
