import type { ComponentType } from 'react';
import type { JsonSchema } from '../../api/index.js';

export interface EditorProps {
  /** Without a reference at its top. */
  readonly schema: JsonSchema;
  /** The document in which references are found. */
  readonly document: JsonSchema;
  readonly label: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  readonly isRequired: boolean;
  /** How many objects and lists contain the value. */
  readonly depth: number;
  /** The editor of the parts of the value. */
  readonly Nested: ComponentType<EditorProps>;
}

export type Editor = ComponentType<EditorProps>;

export const descriptionOf = ({ description }: JsonSchema): string | undefined =>
  typeof description === 'string' && description !== '' ? capitalized(description) : undefined;

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
