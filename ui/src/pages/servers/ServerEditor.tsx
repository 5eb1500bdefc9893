import { useOpenApiDocument, type JsonSchema } from '../../api/index.js';
import {
  Button,
  EntryEditor,
  notify,
  Panel,
  Problem,
  QueryView,
  type EntryDraft,
  type StoredEntry,
} from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { readStoredServer, saveServer, useDraftTest } from './server-queries.js';
import styles from './servers.module.css';
import { TrialResult } from './TrialResult.js';

const SERVER_SCHEMA: JsonSchema = { $ref: '#/components/schemas/ServerEntry' };

interface ServerEditorProps {
  readonly stored?: StoredEntry;
  readonly initial?: EntryDraft;
}

/** The form of a server, with every kind that this gateway knows. */
export function ServerEditor({ stored, initial }: ServerEditorProps) {
  const openApi = useOpenApiDocument();
  const pathOf = (slug: string): string => `/servers/${slug}`;
  const saved = (slug: string) => {
    notify(stored ? `Saved ${slug}.` : `Created ${slug}.`);
    navigate(pathOf(slug));
  };
  return (
    <Panel>
      <QueryView query={openApi} what="the kinds of servers">
        {(document) => (
          <EntryEditor
            schema={SERVER_SCHEMA}
            document={{ ...document }}
            {...(stored && { stored, reload: () => readStoredServer(stored.slug) })}
            {...(initial && { initial })}
            save={saveServer}
            onSaved={saved}
            onCancel={() => navigate(stored ? pathOf(stored.slug) : '/servers')}
          >
            {(draft) => <DraftTest draft={draft} />}
          </EntryEditor>
        )}
      </QueryView>
    </Panel>
  );
}

function DraftTest({ draft }: { readonly draft: EntryDraft }) {
  const test = useDraftTest();
  const may = usePermissions();
  if (!may('POST /servers/test')) return null;
  return (
    <div className={styles['stack']}>
      <div>
        <Button disabled={test.isPending} onClick={() => test.mutate(draft)}>
          {test.isPending ? 'Connecting …' : 'Test the connection'}
        </Button>
      </div>
      {test.error && <Problem cause={test.error} />}
      {test.data && <TrialResult trial={test.data} />}
    </div>
  );
}
