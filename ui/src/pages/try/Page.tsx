import { useMemo } from 'react';
import {
  DataTable,
  EmptyState,
  Field,
  PageHeader,
  Panel,
  QueryView,
  Select,
  type Column,
} from '../../components/index.js';
import type { McpClient } from '../../mcp/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import {
  DEFAULT_ENDPOINT,
  ERAS,
  toEndpoint,
  toEra,
  useEndpoints,
  useMcpClient,
  useTools,
  type Tool,
} from './endpoint-queries.js';
import { ToolCall } from './ToolCall.js';
import styles from './try.module.css';

const COLUMNS: readonly Column<Tool>[] = [
  {
    id: 'name',
    title: 'Tool',
    width: '34%',
    text: ({ name, title }) => `${name} ${title}`,
    cell: ({ name }) => <span className={styles['name']}>{name}</span>,
  },
  {
    id: 'description',
    title: 'Description',
    text: ({ description }) => description,
    cell: ({ description }) => <span title={description}>{description}</span>,
    priority: 2,
  },
];

export function Page() {
  const [endpointText, setEndpoint] = useQueryParameter('endpoint');
  const [eraText, setEra] = useQueryParameter('era');
  const [tool, setTool] = useQueryParameter('tool');
  const [endpoint, era] = [toEndpoint(endpointText), toEra(eraText)];
  const client = useMcpClient(endpoint, era);
  return (
    <>
      <PageHeader title="Try it">
        Call a tool as a client would, with your own rights. Every call is real and is recorded like any other.
      </PageHeader>
      <div className={styles['stack']}>
        <Panel>
          <div className={styles['choices']}>
            <EndpointChoice endpoint={endpoint} onChange={setEndpoint} />
            <Field label="Protocol">
              {(field) => (
                <Select {...field} options={ERAS} value={era} onChange={({ target }) => setEra(target.value)} />
              )}
            </Field>
          </div>
        </Panel>
        <Tools key={`${endpoint} ${era}`} client={client} endpoint={endpoint} chosen={tool} onChoose={setTool} />
      </div>
    </>
  );
}

interface EndpointChoiceProps {
  readonly endpoint: string;
  readonly onChange: (endpoint: string) => void;
}

function EndpointChoice({ endpoint, onChange }: EndpointChoiceProps) {
  const known = useEndpoints().data ?? { [DEFAULT_ENDPOINT]: DEFAULT_ENDPOINT };
  const options = endpoint in known ? known : { ...known, [endpoint]: endpoint };
  return (
    <Field label="Endpoint">
      {(field) => (
        <Select {...field} options={options} value={endpoint} onChange={({ target }) => onChange(target.value)} />
      )}
    </Field>
  );
}

interface ToolsProps {
  readonly client: McpClient;
  readonly endpoint: string;
  readonly chosen: string;
  readonly onChoose: (tool: string) => void;
}

function Tools({ client, endpoint, chosen, onChoose }: ToolsProps) {
  const tools = useTools(client, endpoint);
  const found = useMemo(() => tools.data?.find(({ name }) => name === chosen), [tools.data, chosen]);
  const pathOf = ({ name }: Tool) =>
    `/try?${new URLSearchParams({ endpoint, era: client.era, tool: name }).toString()}`;
  return (
    <QueryView query={tools} what="the tools of the endpoint">
      {(all) =>
        found ? (
          <ToolCall key={found.name} client={client} tool={found} onLeave={() => onChoose('')} />
        ) : (
          <>
            {chosen !== '' && <p role="alert">This endpoint lists no tool {chosen} for you. Choose another one.</p>}
            <DataTable
              label="tools of the endpoint"
              rows={all}
              columns={COLUMNS}
              keyOf={({ name }) => name}
              pathOf={pathOf}
              empty={
                <EmptyState title="This endpoint lists no tools for you.">
                  Choose another endpoint. Tools that are switched off, quarantined, or denied to you are not listed.
                </EmptyState>
              }
            />
          </>
        )
      }
    </QueryView>
  );
}
