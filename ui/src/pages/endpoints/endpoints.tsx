import { Copyable, type Entry, type EntryDraft } from '../../components/index.js';
import { listOf, type EntryDetailsProps, type EntryKind } from '../../entries/index.js';
import { textOf, textsOf } from '../../values/index.js';
import { EndpointForm } from './EndpointForm.js';
import styles from './endpoints.module.css';
import { ExposedItems } from './ExposedItems.js';
import { VisibleItems } from './VisibleItems.js';

function serversOf(entry: Entry | null): string {
  const tags = textsOf(entry?.['tags']).map((tag) => `tag ${tag}`);
  return [...textsOf(entry?.['servers']), ...tags].join(', ');
}

function accessOf(entry: Entry | null): string {
  if (entry?.['public'] === true) return 'anyone, without a token';
  const team = textOf(entry?.['team']);
  return team === '' ? 'every valid token' : `team ${team}`;
}

export const ENDPOINTS: EntryKind = {
  collection: 'virtual-servers',
  path: '/endpoints',
  title: 'Endpoints',
  one: 'an endpoint',
  intro:
    'Virtual servers: MCP endpoints over a selection of servers and items. The default endpoint /mcp has all of them.',
  schema: 'VirtualServerEntry',
  initial: {},
  columns: [
    { id: 'title', title: 'Title', text: ({ entry }) => textOf(entry?.['title']), priority: 3 },
    { id: 'servers', title: 'Servers', text: ({ entry }) => serversOf(entry), priority: 2 },
    { id: 'access', title: 'Access', width: '11rem', text: ({ entry }) => accessOf(entry), priority: 2 },
  ],
  empty: {
    title: 'There is no endpoint besides /mcp yet.',
    text: 'Add one to give a team or an application only the servers and tools that it needs.',
  },
  deletion: 'Its clients get 404 from then on. The servers themselves stay.',
  facts: (entry, slug) => ({
    Title: textOf(entry['title']) || undefined,
    Path: <Copyable text={`/servers/${slug}/mcp`} what="the path of the endpoint" />,
    Access: accessOf(entry),
    Servers: listOf(entry, 'servers'),
    Tags: listOf(entry, 'tags'),
    Tools: listOf(entry, 'tools') ?? 'all',
    Prompts: listOf(entry, 'prompts') ?? 'all',
    Resources: listOf(entry, 'resources') ?? 'all',
  }),
  Form: EndpointForm,
  Draft: ({ draft }: { readonly draft: EntryDraft }) => (
    <div className={styles['stack']}>
      <h2>What a caller sees whom no policy restricts</h2>
      <ExposedItems entry={draft.entry} />
    </div>
  ),
  Details: ({ view }: EntryDetailsProps) => <VisibleItems endpoint={view.slug} />,
};
