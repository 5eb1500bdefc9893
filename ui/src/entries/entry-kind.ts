import type { ComponentType, ReactNode } from 'react';
import type { JsonSchema } from '../api/index.js';
import type { Column, Entry, EntryDraft } from '../components/index.js';
import { textsOf } from '../values/index.js';
import type { Collection, EntryView } from './collection.js';

export interface EntryFormProps {
  readonly entry: Entry;
  readonly onChange: (entry: Entry) => void;
  /** Sets one member. Undefined removes it. */
  readonly set: (name: string, value: unknown) => void;
  /** The OpenAPI document, in which references of schemas are found. */
  readonly document: JsonSchema;
}

export interface EntryDetailsProps {
  readonly view: EntryView;
  readonly etag: string;
}

/** How the entries of a collection are shown and changed. */
export interface EntryKind {
  readonly collection: Collection;
  /** The page of the list, such as `/access/policies`. */
  readonly path: string;
  readonly title: string;
  /** With its article: `a policy`. */
  readonly one: string;
  readonly intro: string;
  /** Name of the schema of an entry in the OpenAPI document. */
  readonly schema: string;
  readonly initial: Entry;
  readonly columns: readonly Column<EntryView>[];
  readonly order?: (one: EntryView, other: EntryView) => number;
  readonly empty: { readonly title: string; readonly text: string };
  /** What follows from a deletion. */
  readonly deletion: string;
  readonly facts: (entry: Entry, slug: string) => Readonly<Record<string, ReactNode | undefined>>;
  readonly Form: ComponentType<EntryFormProps>;
  /** What a draft would do, below its form. It is part of the form, so it contains none of its own. */
  readonly Draft?: ComponentType<{ readonly draft: EntryDraft }>;
  /** Further parts of the page of an entry. */
  readonly Details?: ComponentType<EntryDetailsProps>;
  /** Above the list, such as tabs. */
  readonly navigation?: ReactNode;
}

/** The texts of a member, or what its absence means. */
export const listOf = (entry: Entry | null | undefined, name: string): string | undefined =>
  textsOf(entry?.[name]).join(', ') || undefined;
