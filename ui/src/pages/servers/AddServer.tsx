import { ButtonLink, PageHeader } from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { ServerEditor } from './ServerEditor.js';

const REMOTE = { slug: '', entry: { transport: 'http' } };
/** Comes with the gateway, so it works without a network and may be added whatever programs an admin may start. */
const SAMPLE = {
  slug: 'sample',
  entry: {
    transport: 'stdio',
    command: '${ISTHMUS_NODE}',
    args: ['${ISTHMUS_HOME}/dist/src/sample-server/main.js'],
    title: 'Sample server',
    isolation: 'none',
  },
};

export function AddServer() {
  const [example] = useQueryParameter('example');
  const isSample = example === 'sample';
  return (
    <>
      <PageHeader
        title="Add a server"
        parent={{ title: 'Servers', path: '/servers' }}
        actions={!isSample && <ButtonLink to="/servers/-/new?example=sample">Fill in the sample server</ButtonLink>}
      >
        {isSample
          ? 'The sample server comes with the gateway and needs no network. Test it, then create it.'
          : 'Nothing is stored before you have seen what is saved.'}
      </PageHeader>
      <ServerEditor key={example} initial={isSample ? SAMPLE : REMOTE} />
    </>
  );
}
