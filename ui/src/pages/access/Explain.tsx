import { useState } from 'react';
import { Form, LongTextField, PageHeader, Panel, SelectField, TextField } from '../../components/index.js';
import { CallerFields, useAssumedCaller } from '../../entries/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { requireObject } from '../../values/index.js';
import styles from './access.module.css';
import { AccessTabs } from './AccessTabs.js';
import { ExplanationView } from './ExplanationView.js';
import {
  KINDS,
  useEndpointNames,
  useExplanation,
  useItemNames,
  useServerNames,
  type ExplainRequest,
  type Kind,
} from './explain-queries.js';

type Args = NonNullable<ExplainRequest['args']>;

/** Explains why a caller may or may not use an item. The address keeps the question, so that it can be shared. */
export function Explain() {
  const caller = useAssumedCaller();
  const item = useItem();
  const explanation = useExplanation();
  const [fault, setFault] = useState<Error>();
  const submit = () => {
    try {
      setFault(undefined);
      explanation.mutate({ ...caller.toRequest(), ...item.toRequest() });
    } catch (cause) {
      setFault(cause as Error);
    }
  };
  return (
    <>
      <AccessTabs />
      <PageHeader title="Explain a call">
        The code that admits calls decides. Nothing is called, and limits are not counted.
      </PageHeader>
      <div className={styles['stack']}>
        <Panel>
          <Form
            onSubmit={submit}
            submitLabel="Explain"
            isDirty={false}
            isPending={explanation.isPending}
            error={fault ?? explanation.error}
          >
            <CallerFields caller={caller} />
            <ItemFields item={item} />
          </Form>
        </Panel>
        {explanation.data && <ExplanationView explanation={explanation.data} />}
      </div>
    </>
  );
}

function useItem() {
  const [server, setServer] = useQueryParameter('server');
  const [chosen, setKind] = useQueryParameter('kind');
  const [name, setName] = useQueryParameter('name');
  const [endpoint, setEndpoint] = useQueryParameter('endpoint');
  const [args, setArgs] = useQueryParameter('args');
  const kind: Kind = chosen === 'prompts' || chosen === 'resources' ? chosen : 'tools';
  return {
    server,
    setServer,
    kind,
    setKind,
    name,
    setName,
    endpoint,
    setEndpoint,
    args,
    setArgs,
    /** @throws Error for arguments that are no JSON object */
    toRequest: () => ({
      server,
      kind,
      name,
      ...(endpoint !== '' && { endpoint }),
      ...(args.trim() !== '' && { args: requireObject(args, 'Arguments') as Args }),
    }),
  };
}

function ItemFields({ item }: { readonly item: ReturnType<typeof useItem> }) {
  const servers = useServerNames().data ?? [];
  const endpoints = useEndpointNames().data ?? [];
  const names = useItemNames(item.kind, item.server).data ?? [];
  return (
    <>
      <div className={styles['fields']}>
        <SelectField
          label="Server"
          isRequired
          options={{ '': 'Choose …', ...toOptions(servers) }}
          value={item.server}
          onChange={item.setServer}
        />
        <SelectField
          label="Kind"
          options={KINDS}
          value={item.kind}
          onChange={(kind) => item.setKind(kind === 'tools' ? '' : kind)}
        />
        <TextField
          label={KINDS[item.kind]}
          isRequired
          hint="Name or URI at its server."
          suggestions={names}
          value={item.name}
          onChange={item.setName}
        />
        <SelectField
          label="Endpoint"
          options={{ '': 'That of the server', default: 'All servers (/mcp)', ...toOptions(endpoints) }}
          value={item.endpoint}
          onChange={item.setEndpoint}
        />
      </div>
      <LongTextField
        label="Arguments"
        hint="JSON. Empty: explains whether lists contain the item."
        value={item.args}
        onChange={item.setArgs}
      />
    </>
  );
}

const toOptions = (names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, name]));
