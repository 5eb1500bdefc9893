import { useMemo, useState } from 'react';
import { Button, Form, initialValue, Panel, SchemaForm, ToolAnnotations } from '../../components/index.js';
import type { JsonSchema } from '../../api/index.js';
import { isObject, type McpClient } from '../../mcp/index.js';
import { CallProgress } from './CallProgress.js';
import { CallResult } from './CallResult.js';
import type { Tool } from './endpoint-queries.js';
import { Questions } from './Questions.js';
import { Messages } from './Messages.js';
import styles from './try.module.css';
import { useCall } from './use-call.js';

interface ToolCallProps {
  readonly client: McpClient;
  readonly tool: Tool;
  readonly onLeave: () => void;
}

/** The form of a tool, and what its call brings. */
export function ToolCall({ client, tool, onLeave }: ToolCallProps) {
  const schema: JsonSchema = useMemo(() => {
    const { inputSchema } = tool.definition;
    return isObject(inputSchema) ? inputSchema : {};
  }, [tool]);
  const [args, setArgs] = useState<unknown>(() => initialValue(schema, schema) ?? {});
  const { call, start, cancel } = useCall(client, tool);
  const isRunning = call.state === 'running';
  const actions = (
    <Button size="small" onClick={onLeave}>
      Choose another tool
    </Button>
  );
  return (
    <div className={styles['columns']}>
      <Panel title={tool.title === '' ? tool.name : `${tool.title} (${tool.name})`} actions={actions}>
        <div className={styles['stack']}>
          {tool.description !== '' && <p className={styles['text']}>{tool.description}</p>}
          <ToolAnnotations definition={tool.definition} />
          <Form
            onSubmit={() => start(args)}
            submitLabel={isRunning ? 'Calling …' : 'Call'}
            isDirty={false}
            isPending={isRunning}
            actions={isRunning && <Button onClick={cancel}>Cancel</Button>}
          >
            <Arguments schema={schema} value={args} onChange={setArgs} />
          </Form>
        </div>
      </Panel>
      <div className={styles['stack']} aria-live="polite">
        <Questions questions={call.questions} />
        <CallProgress call={call} />
        <CallResult call={call} />
        <Messages traffic={call.traffic} />
      </div>
    </div>
  );
}

interface ArgumentsProps {
  readonly schema: JsonSchema;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function Arguments({ schema, value, onChange }: ArgumentsProps) {
  const { properties } = schema;
  const isEmpty = schema['type'] === 'object' && (!isObject(properties) || Object.keys(properties).length === 0);
  if (isEmpty && schema['additionalProperties'] === undefined)
    return <p className={styles['muted']}>This tool takes no arguments.</p>;
  return <SchemaForm schema={schema} label="Arguments" value={value} onChange={onChange} />;
}
