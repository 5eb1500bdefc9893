import { classes } from '../classes.js';
import { isObject } from '../../values/index.js';
import { descriptionOf, type EditorProps } from './editor.js';
import { Group } from './Group.js';
import styles from './Group.module.css';
import { editorKind, membersOf, requiredOf, resolveSchema } from './schema.js';

/** More optional members than this are folded away until they are needed. */
const MAX_OPEN_OPTIONAL = 5;

export function ObjectEditor(props: EditorProps) {
  const { schema, label, depth } = props;
  const required = requiredOf(schema);
  const value = isObject(props.value) ? props.value : {};
  const members = membersOf(schema).map(([name]) => name);
  const optional = members.filter((name) => !required.has(name));
  const isFolded = optional.length > MAX_OPEN_OPTIONAL;
  const open = isFolded ? members.filter((name) => required.has(name)) : members;
  const isUsed = optional.some((name) => value[name] !== undefined);
  return (
    <Group label={depth === 0 ? '' : label} hint={depth === 0 ? undefined : descriptionOf(schema)}>
      <Members {...props} names={open} />
      {isFolded && (
        <details className={styles['more']} open={isUsed || undefined}>
          <summary>{open.length === 0 ? 'Options' : 'Further options'}</summary>
          <Members {...props} names={optional} />
        </details>
      )}
    </Group>
  );
}

function Members({ names, ...props }: EditorProps & { readonly names: readonly string[] }) {
  const { schema, document, onChange, depth, Nested } = props;
  const value = isObject(props.value) ? props.value : {};
  const required = requiredOf(schema);
  const schemas = new Map(membersOf(schema));
  const change = (name: string, member: unknown) => {
    const { [name]: _, ...others } = value;
    const next = member === undefined ? others : { ...value, [name]: member };
    onChange(Object.keys(next).length === 0 && !props.isRequired ? undefined : next);
  };
  return (
    <div className={styles['fields']}>
      {names.map((name) => {
        const member = resolveSchema(schemas.get(name) ?? {}, document);
        const title = typeof member['title'] === 'string' ? member['title'] : name;
        const isWhole = ['object', 'map', 'list', 'json', 'variants'].includes(editorKind(member));
        return (
          <div key={name} className={classes(isWhole && styles['whole'])}>
            <Nested
              schema={member}
              document={document}
              label={title}
              value={value[name]}
              onChange={(next) => change(name, next)}
              isRequired={required.has(name)}
              depth={depth + 1}
              Nested={Nested}
            />
          </div>
        );
      })}
    </div>
  );
}
