import {
  Badge,
  Copyable,
  Definitions,
  hasAnnotations,
  JsonView,
  PageHeader,
  PageLink,
  Panel,
  QueryView,
  Time,
  ToolAnnotations,
} from '../../components/index.js';
import { ArgumentsTable, memberOf } from './definition-parts.js';
import { ChangedDefinition } from './ChangedDefinition.js';
import { ItemActions } from './ItemActions.js';
import { KINDS, NOUNS, type Kind } from './item-kinds.js';
import { useItem, type DefinedItem, type ItemKey } from './item-queries.js';
import { stateOf, TONES } from './item-state.js';
import styles from './items.module.css';
import { PresentationForm } from './PresentationForm.js';

export function ItemDetails({ item }: { readonly item: ItemKey }) {
  const query = useItem(item);
  const known = query.data?.data;
  const parent = { title: KINDS[item.kind], path: `/items${item.kind === 'tools' ? '' : `?kind=${item.kind}`}` };
  return (
    <>
      <PageHeader title={known?.shownName ?? item.name} parent={parent}>
        {known && <Badge tone={TONES[stateOf(known)]}>{stateOf(known)}</Badge>}
      </PageHeader>
      <QueryView query={query} what={`the ${NOUNS[item.kind]}`}>
        {({ data, etag }) => (
          <div className={styles['stack']}>
            <ItemActions item={item} known={data} />
            {data.status !== 'approved' && <ChangedDefinition item={item} known={data} />}
            {data.flags.length > 0 && <Flags flags={data.flags} />}
            <div className={styles['columns']}>
              <Panel title="Definition">
                <Definitions items={factsOf(item.kind, data)} />
              </Panel>
              <PresentationForm item={item} known={data} etag={etag} />
            </div>
            <Schemas definition={data.seen} />
          </div>
        )}
      </QueryView>
    </>
  );
}

function Flags({ flags }: { readonly flags: readonly string[] }) {
  return (
    <Panel title="Flags">
      <ul className={styles['list']}>
        {flags.map((flag) => (
          <li key={flag}>{flag}</li>
        ))}
      </ul>
      <p className={styles['muted']}>Flags are hints for a reviewer. They restrict nothing by themselves.</p>
    </Panel>
  );
}

function factsOf(kind: Kind, { server, name, seen, publicName, shownName, firstSeenAt, changedAt }: DefinedItem) {
  const hasNames = kind === 'tools' || kind === 'prompts';
  return {
    Server: <PageLink to={`/servers/${server}`}>{server}</PageLink>,
    [hasNames ? 'Name' : 'URI']: <Copyable text={name} what={hasNames ? 'the name' : 'the URI'} />,
    'Name at /mcp': hasNames ? (
      <Copyable text={publicName ?? `${server}__${shownName ?? name}`} what="the name at /mcp" />
    ) : undefined,
    Title: memberOf(seen, 'title'),
    Description: memberOf(seen, 'description') && (
      <span className={styles['text']}>{memberOf(seen, 'description')}</span>
    ),
    'Media type': memberOf(seen, 'mimeType'),
    Annotations: hasAnnotations(seen) ? <ToolAnnotations definition={seen} /> : undefined,
    'First seen': <Time at={firstSeenAt} />,
    Changed: changedAt === firstSeenAt ? undefined : <Time at={changedAt} />,
  };
}

function Schemas({ definition }: { readonly definition: DefinedItem['seen'] }) {
  const { inputSchema, outputSchema, arguments: prompted } = definition as Readonly<Record<string, unknown>>;
  return (
    <>
      {Array.isArray(prompted) && prompted.length > 0 && (
        <Panel title="Arguments" isFlush>
          <ArgumentsTable members={prompted} />
        </Panel>
      )}
      {inputSchema !== undefined && (
        <Panel title="Arguments">
          <JsonView label="Schema of the arguments" value={inputSchema} />
        </Panel>
      )}
      {outputSchema !== undefined && (
        <Panel title="Structured result">
          <JsonView label="Schema of the structured result" value={outputSchema} />
        </Panel>
      )}
    </>
  );
}
