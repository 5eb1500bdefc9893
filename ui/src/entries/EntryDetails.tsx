import { Definitions, PageHeader, Panel, QueryView, Time } from '../components/index.js';
import { useEntry, type EntryView } from './collection.js';
import styles from './entries.module.css';
import { EntryActions } from './EntryActions.js';
import type { EntryKind } from './entry-kind.js';
import { EntryState } from './EntryState.js';

/** One entry: what it says, and what may be done with it. */
export function EntryDetails({ kind, slug }: { readonly kind: EntryKind; readonly slug: string }) {
  const { collection, path, title, Details } = kind;
  const entry = useEntry(collection, slug);
  return (
    <>
      <PageHeader title={slug} parent={{ title, path }}>
        {entry.data && <EntryState view={entry.data.data} />}
      </PageHeader>
      <QueryView query={entry} what={slug}>
        {({ data, etag }) => (
          <div className={styles['stack']}>
            {!data.managed && <EntryActions kind={kind} slug={slug} etag={etag} />}
            <Panel>
              <Definitions items={factsOf(kind, data)} />
            </Panel>
            {Details && <Details view={data} etag={etag} />}
          </div>
        )}
      </QueryView>
    </>
  );
}

const factsOf = (kind: EntryKind, { slug, entry, faults, warnings, managed, updatedAt }: EntryView) => ({
  Faults: faults.join('; ') || undefined,
  Warnings: warnings.join('; ') || undefined,
  ...kind.facts(entry ?? {}, slug),
  Source: managed ? 'Configuration file; change it there' : 'Admin API',
  Changed: <Time at={updatedAt} />,
});
