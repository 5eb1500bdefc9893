import { useState } from 'react';
import { Field } from '../form/Field.js';
import { Select } from '../form/controls.js';
import { isObject } from '../../values/index.js';
import { descriptionOf, type EditorProps } from './editor.js';
import { Group } from './Group.js';
import { initialValue, resolveSchema, membersOf, variantIndex, variantsOf, variantTitle } from './schema.js';

const ABSENT = '';

/** A choice between alternatives, and the form of the chosen one. */
export function VariantsEditor(props: EditorProps) {
  const { schema, document, label, value, onChange, isRequired, depth, Nested } = props;
  const variants = variantsOf(schema);
  const [chosen, setChosen] = useState(() =>
    value === undefined ? undefined : variantIndex(value, variants, document),
  );
  const titles = variants.map((variant, index) => [String(index), variantTitle(variant, document)] as const);
  const options = { ...(!isRequired && { [ABSENT]: 'None' }), ...Object.fromEntries(titles) };
  const index = chosen ?? (isRequired ? 0 : undefined);
  const variant = index === undefined ? undefined : variants[index];
  const choose = (next: string) => {
    setChosen(next === ABSENT ? undefined : Number(next));
    const target = next === ABSENT ? undefined : variants[Number(next)];
    onChange(target && carryOver(value, initialValue(target, document), resolveSchema(target, document)));
  };
  return (
    <Group label="">
      <Field label={depth === 0 ? 'Kind' : label} hint={descriptionOf(schema)}>
        {(field) => (
          <Select
            {...field}
            options={options}
            value={index ?? ABSENT}
            onChange={({ target }) => choose(target.value)}
          />
        )}
      </Field>
      {variant && (
        <Nested
          key={index}
          schema={variant}
          document={document}
          label={label}
          value={value}
          onChange={onChange}
          isRequired={isRequired}
          depth={depth}
          Nested={Nested}
        />
      )}
    </Group>
  );
}

/** Keeps the members that both alternatives have. */
function carryOver(previous: unknown, initial: unknown, schema: Readonly<Record<string, unknown>>): unknown {
  if (!isObject(previous) || !isObject(initial)) return initial;
  const names = new Set(membersOf(schema).map(([name]) => name));
  const kept = Object.entries(previous).filter(([name]) => names.has(name));
  return { ...Object.fromEntries(kept), ...initial };
}
