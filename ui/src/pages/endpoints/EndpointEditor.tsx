import { useQuery } from '@tanstack/react-query';
import { useOpenApiDocument, type JsonSchema } from '../../api/index.js';
import { EntryEditor, notify, PageHeader, Panel, QueryView, type StoredEntry } from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { EndpointForm } from './EndpointForm.js';
import { readStoredEndpoint, saveEndpoint, useSelectableServers } from './endpoint-queries.js';
import styles from './endpoints.module.css';
import { ExposedItems } from './ExposedItems.js';

const SCHEMA: JsonSchema = { $ref: '#/components/schemas/VirtualServerEntry' };

export function AddEndpoint() {
  return (
    <>
      <PageHeader title="Add an endpoint" parent={{ title: 'Endpoints', path: '/endpoints' }}>
        Select servers by name or by tag, then all or some of their items.
      </PageHeader>
      <EndpointEditor />
    </>
  );
}

export function EditEndpoint({ slug }: { readonly slug: string }) {
  // Read once: the form shows a newer version when it is saved.
  const stored = useQuery({
    queryKey: ['stored-endpoint', slug],
    queryFn: () => readStoredEndpoint(slug),
    gcTime: 0,
    staleTime: Infinity,
  });
  return (
    <>
      <PageHeader title={`Edit ${slug}`} parent={{ title: slug, path: `/endpoints/${slug}` }} />
      <QueryView query={stored} what="the endpoint">
        {(entry) => <EndpointEditor stored={entry} />}
      </QueryView>
    </>
  );
}

function EndpointEditor({ stored }: { readonly stored?: StoredEntry }) {
  const openApi = useOpenApiDocument();
  const servers = useSelectableServers();
  const saved = (slug: string) => {
    notify(stored ? `Saved ${slug}.` : `Created ${slug}.`);
    navigate(`/endpoints/${slug}`);
  };
  return (
    <Panel>
      <QueryView query={openApi} what="the form">
        {(document) => (
          <EntryEditor
            schema={SCHEMA}
            document={{ ...document }}
            {...(stored && { stored, reload: () => readStoredEndpoint(stored.slug) })}
            renderForm={(entry, change) => (
              <EndpointForm entry={entry} servers={servers.data ?? []} onChange={change} />
            )}
            save={saveEndpoint}
            onSaved={saved}
            onCancel={() => navigate(stored ? `/endpoints/${stored.slug}` : '/endpoints')}
          >
            {({ entry }) => (
              <div className={styles['stack']}>
                <h2>What a caller sees whom no policy restricts</h2>
                <ExposedItems entry={entry} />
              </div>
            )}
          </EntryEditor>
        )}
      </QueryView>
    </Panel>
  );
}
