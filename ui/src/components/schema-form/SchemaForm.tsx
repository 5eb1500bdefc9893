import type { JsonSchema } from '../../api/index.js';
import { ListEditor, MapEditor } from './collections.js';
import { ObjectEditor } from './ObjectEditor.js';
import { editorKind, resolveSchema, typesOf, type EditorKind } from './schema.js';
import { ChoiceEditor, ConstantEditor, JsonEditor, NumberEditor, TextEditor } from './scalars.js';
import { VariantsEditor } from './VariantsEditor.js';
import type { Editor, EditorProps } from './editor.js';

interface SchemaFormProps {
  readonly schema: JsonSchema;
  /** The document in which references of the schema are found. Default: the schema itself. */
  readonly document?: JsonSchema;
  readonly label: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  readonly isRequired?: boolean;
}

const EDITORS: Readonly<Record<EditorKind, Editor>> = {
  constant: ConstantEditor,
  choice: ChoiceEditor,
  boolean: ChoiceEditor,
  number: NumberEditor,
  text: TextEditor,
  list: ListEditor,
  object: ObjectEditor,
  map: MapEditor,
  variants: VariantsEditor,
  json: JsonEditor,
};

/**
 * A form for a value of a JSON Schema. A part of the schema that has no form of its own is edited as JSON. Undefined stands
 * for an absent value.
 */
export function SchemaForm({ schema, document = schema, label, value, onChange, isRequired = true }: SchemaFormProps) {
  const props = { schema, document, label, value, onChange, isRequired, depth: 0 };
  return <ValueEditor {...props} Nested={ValueEditor} />;
}

/** Chooses the editor by the schema, and raw JSON for a value that does not fit it. */
function ValueEditor(props: EditorProps) {
  const schema = resolveSchema(props.schema, props.document);
  const kind = editorKind(schema);
  const Editor = fits(props.value, kind, schema) ? EDITORS[kind] : JsonEditor;
  return <Editor {...props} schema={schema} />;
}

function fits(value: unknown, kind: EditorKind, schema: JsonSchema): boolean {
  if (value === undefined) return true;
  const isArray = Array.isArray(value);
  if (kind === 'list') return isArray;
  if (kind === 'object' || kind === 'map') return typeof value === 'object' && value !== null && !isArray;
  if (kind === 'text') return typesOf(schema).includes(typeof value) || typeof value === 'string';
  return kind !== 'number' || typeof value === 'number';
}
