import { useMemo, useState } from 'react';
import type { JsonSchema } from '../../api/index.js';
import { Button, CopyButton, Form, initialValue, Panel, SchemaForm, ToolAnnotations } from '../../components/index.js';
import type { McpClient } from '../../mcp/index.js';
import { isObject, type JsonObject } from '../../values/index.js';
import { CallProgress } from './CallProgress.js';
import { CallResult } from './CallResult.js';
import { Messages } from './Messages.js';
import { NOUNS, type Kind, type Offered } from './offered-items.js';
import { Questions } from './Questions.js';
import { schemaOf, toRequest } from './requests.js';
import styles from './try.module.css';
import { useCall } from './use-call.js';

const ACTS: Readonly<Record<Kind, readonly [act: string, busy: string]>> = {
  tools: ['Call', 'Calling …'],
  prompts: ['Get', 'Getting …'],
  resources: ['Read', 'Reading …'],
  'resource-templates': ['Read', 'Reading …'],
};

interface ItemCallProps {
  readonly client: McpClient;
  readonly kind: Kind;
  readonly item: Offered;
  /** What the form begins with, from a shared address. */
  readonly shared: JsonObject | undefined;
  /** The address of the page with these arguments. */
  readonly addressOf: (args: JsonObject) => string;
  readonly onLeave: () => void;
}

/** The form of a tool, prompt, resource or resource template, and what its use brings. */
export function ItemCall({ client, kind, item, shared, addressOf, onLeave }: ItemCallProps) {
  const schema = useMemo(() => schemaOf(kind, item), [kind, item]);
  const [value, setArgs] = useState<unknown>(() => shared ?? initialValue(schema, schema));
  const args = isObject(value) ? value : {};
  const { call, start, cancel } = useCall(client);
  const isRunning = call.state === 'running';
  const request = toRequest(kind, item, args, client.era);
  const [act, busy] = ACTS[kind];
  const actions = (
    <Button size="small" onClick={onLeave}>
      Choose another {NOUNS[kind]}
    </Button>
  );
  return (
    <div className={styles['columns']}>
      <Panel title={item.title === '' ? item.key : `${item.title} (${item.key})`} actions={actions}>
        <div className={styles['stack']}>
          {item.description !== '' && <p className={styles['text']}>{item.description}</p>}
          <ToolAnnotations definition={item.definition} />
          <Form
            onSubmit={() => start(request)}
            submitLabel={isRunning ? busy : act}
            isDirty={false}
            isPending={isRunning}
            actions={
              <>
                {isRunning && <Button onClick={cancel}>Cancel</Button>}
                <CopyButton text={addressOf(args)} what="the address with these arguments" label="Copy link" />
              </>
            }
          >
            <Arguments noun={NOUNS[kind]} schema={schema} value={value} onChange={setArgs} />
            {kind === 'resource-templates' && <p className={styles['text']}>URI: {String(request.params['uri'])}</p>}
          </Form>
        </div>
      </Panel>
      <div className={styles['stack']} aria-live="polite">
        <Questions questions={call.questions} />
        <CallProgress call={call} />
        <CallResult call={call} noun={NOUNS[kind]} />
        <Messages traffic={call.traffic} />
      </div>
    </div>
  );
}

interface ArgumentsProps {
  readonly noun: string;
  readonly schema: JsonSchema;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function Arguments({ noun, schema, value, onChange }: ArgumentsProps) {
  const { properties } = schema;
  const isEmpty = schema['type'] === 'object' && (!isObject(properties) || Object.keys(properties).length === 0);
  if (isEmpty && schema['additionalProperties'] === undefined)
    return <p className={styles['muted']}>This {noun} takes no arguments.</p>;
  return <SchemaForm schema={schema} label="Arguments" value={value} onChange={onChange} />;
}
