import { useState } from 'react';
import {
  ButtonLink,
  DataTable,
  EmptyState,
  Form,
  Panel,
  QueryView,
  Select,
  type Column,
} from '../../components/index.js';
import { CallerFields, useAssumedCaller, type CallerChoice } from '../../entries/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { useVisibleItems, type VisibleItem, type VisibleKind } from './endpoint-queries.js';
import styles from './endpoints.module.css';

const KINDS = {
  tools: 'Tools',
  prompts: 'Prompts',
  resources: 'Resources',
  resourceTemplates: 'Templates',
} as const;

const COLUMNS: readonly Column<VisibleItem>[] = [
  { id: 'name', title: 'Name', text: ({ publicName }) => publicName },
  { id: 'server', title: 'Server', width: '22%', text: ({ server }) => server, priority: 2 },
  { id: 'own', title: 'Name at the server', width: '30%', text: ({ name }) => name, priority: 3 },
];

const keyOf = ({ server, name }: VisibleItem): string => `${server}\n${name}`;

interface VisibleItemsProps {
  /** Slug of the stored endpoint. */
  readonly endpoint: string;
}

/** What one caller sees of a stored endpoint, as the API decides it. The address keeps the caller. */
export function VisibleItems({ endpoint }: VisibleItemsProps) {
  const caller = useAssumedCaller();
  const [asked, setAsked] = useState<CallerChoice | undefined>(() => choiceOf(caller).choice);
  const [fault, setFault] = useState<Error>();
  const submit = () => {
    const next = choiceOf(caller);
    setFault(next.fault);
    setAsked(next.choice);
  };
  return (
    <>
      <Panel title="What a caller sees">
        <Form onSubmit={submit} submitLabel="Show" isDirty={false} error={fault ?? null}>
          <CallerFields caller={caller} />
        </Form>
      </Panel>
      {asked && <VisibleList endpoint={endpoint} caller={asked} parameters={caller.parameters} />}
    </>
  );
}

interface Choice {
  readonly choice?: CallerChoice;
  readonly fault?: Error;
}

function choiceOf({ isChosen, toRequest }: ReturnType<typeof useAssumedCaller>): Choice {
  if (!isChosen) return { fault: new Error('Choose a subject or a token first.') };
  try {
    return { choice: toRequest() };
  } catch (cause) {
    return { fault: cause as Error };
  }
}

interface VisibleListProps extends VisibleItemsProps {
  readonly caller: CallerChoice;
  /** The parts of an address that describe the caller. */
  readonly parameters: Readonly<Record<string, string>>;
}

function VisibleList({ endpoint, caller, parameters }: VisibleListProps) {
  const [chosen, setChosen] = useQueryParameter('items');
  const kind: VisibleKind = chosen in KINDS ? (chosen as VisibleKind) : 'tools';
  const items = useVisibleItems(endpoint, kind, caller);
  const explain = (item: Readonly<Record<string, string>>) => {
    const given = Object.entries({ ...parameters, endpoint, ...item }).filter(([, value]) => value !== '');
    return `/access/explain?${new URLSearchParams(given).toString()}`;
  };
  const kindOfItem = kind === 'resourceTemplates' ? 'resources' : kind;
  const choice = (
    <Select
      aria-label="Items"
      options={KINDS}
      value={kind}
      onChange={({ target }) => setChosen(target.value === 'tools' ? '' : target.value)}
    />
  );
  return (
    <QueryView query={items} what="the items of the caller">
      {({ rows, refusal }) => (
        <>
          <DataTable
            label={`${KINDS[kind].toLowerCase()} of the caller`}
            rows={rows}
            columns={COLUMNS}
            keyOf={keyOf}
            pathOf={({ server, name, shownName = name }) => explain({ server, kind: kindOfItem, name: shownName })}
            filters={choice}
            empty={
              <EmptyState title={`The caller sees no ${KINDS[kind].toLowerCase()}.`} action={choice}>
                {refusal ?? 'Explain one of them to see why, or choose another caller.'}
              </EmptyState>
            }
          />
          <div className={styles['actions']}>
            <ButtonLink to={explain({ kind: kindOfItem })}>Explain a missing item</ButtonLink>
          </div>
        </>
      )}
    </QueryView>
  );
}
