import { useQuery } from '@tanstack/react-query';
import { useOpenApiDocument } from '../api/index.js';
import {
  EntryEditor,
  notify,
  PageHeader,
  Panel,
  QueryView,
  type Entry,
  type StoredEntry,
} from '../components/index.js';
import { navigate } from '../navigation/index.js';
import { readStoredEntry, saveEntry } from './collection.js';
import type { EntryKind } from './entry-kind.js';

export function NewEntry({ kind }: { readonly kind: EntryKind }) {
  const { title, path, one } = kind;
  return (
    <>
      <PageHeader title={`Add ${one}`} parent={{ title, path }}>
        Nothing is stored before you have seen what is saved.
      </PageHeader>
      <Editor kind={kind} />
    </>
  );
}

export function EditEntry({ kind, slug }: { readonly kind: EntryKind; readonly slug: string }) {
  const { collection, path } = kind;
  // Read once: the form shows a newer version when it is saved.
  const stored = useQuery({
    queryKey: ['stored-entry', collection, slug],
    queryFn: () => readStoredEntry(collection, slug),
    gcTime: 0,
    staleTime: Infinity,
  });
  return (
    <>
      <PageHeader title={`Edit ${slug}`} parent={{ title: slug, path: `${path}/${slug}` }} />
      <QueryView query={stored} what={slug}>
        {(entry) => <Editor kind={kind} stored={entry} />}
      </QueryView>
    </>
  );
}

function Editor({ kind, stored }: { readonly kind: EntryKind; readonly stored?: StoredEntry }) {
  const { collection, path, schema, initial, Form, Draft } = kind;
  const openApi = useOpenApiDocument();
  const saved = (slug: string) => {
    notify(stored ? `Saved ${slug}.` : `Created ${slug}.`);
    navigate(`${path}/${slug}`);
  };
  return (
    <Panel>
      <QueryView query={openApi} what="the form">
        {(document) => (
          <EntryEditor
            schema={{ $ref: `#/components/schemas/${schema}` }}
            document={{ ...document }}
            {...(stored
              ? { stored, reload: () => readStoredEntry(collection, stored.slug) }
              : { initial: { slug: '', entry: initial } })}
            renderForm={(entry, onChange) => (
              <Form entry={entry} onChange={onChange} set={setterOf(entry, onChange)} document={{ ...document }} />
            )}
            save={(draft, etag) => saveEntry(collection, draft, etag)}
            onSaved={saved}
            onCancel={() => navigate(stored ? `${path}/${stored.slug}` : path)}
          >
            {Draft && ((draft) => <Draft draft={draft} />)}
          </EntryEditor>
        )}
      </QueryView>
    </Panel>
  );
}

const setterOf =
  (entry: Entry, onChange: (entry: Entry) => void) =>
  (name: string, value: unknown): void => {
    const { [name]: _, ...others } = entry;
    onChange(value === undefined ? others : { ...entry, [name]: value });
  };
