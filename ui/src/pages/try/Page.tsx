import { PageHeader, Panel, SelectField } from '../../components/index.js';
import { navigate, useQueryParameter } from '../../navigation/index.js';
import { pathTo } from './address.js';
import { DEFAULT_ENDPOINT, ERAS, toEndpoint, toEra, useEndpoints, useMcpClient } from './endpoint-queries.js';
import { KINDS, toKind } from './offered-items.js';
import { OfferedItems } from './OfferedItems.js';
import styles from './try.module.css';

export function Page() {
  const [endpointText, setEndpoint] = useQueryParameter('endpoint');
  const [eraText, setEra] = useQueryParameter('era');
  const [kindText] = useQueryParameter('kind');
  const [endpoint, era, kind] = [toEndpoint(endpointText), toEra(eraText), toKind(kindText)];
  // The name and the arguments belong to the former kind.
  const setKind = (next: string) => navigate(pathTo({ endpoint, era, kind: toKind(next) }));
  const client = useMcpClient(endpoint, era);
  return (
    <>
      <PageHeader title="Try it">
        Use a tool, prompt or resource as a client would, with your own rights. Every call is real and is recorded like
        any other.
      </PageHeader>
      <div className={styles['stack']}>
        <Panel>
          <div className={styles['choices']}>
            <EndpointChoice endpoint={endpoint} onChange={setEndpoint} />
            <SelectField label="Protocol" options={ERAS} value={era} onChange={setEra} />
            <SelectField label="Kind" options={KINDS} value={kind} onChange={setKind} />
          </div>
        </Panel>
        <OfferedItems key={`${endpoint} ${era} ${kind}`} client={client} endpoint={endpoint} kind={kind} />
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
  return <SelectField label="Endpoint" options={options} value={endpoint} onChange={onChange} />;
}
