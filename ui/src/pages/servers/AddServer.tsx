import { PageHeader } from '../../components/index.js';
import { ServerEditor } from './ServerEditor.js';

const REMOTE = { slug: '', entry: { transport: 'http' } };

export function AddServer() {
  return (
    <>
      <PageHeader title="Add a server" parent={{ title: 'Servers', path: '/servers' }}>
        Nothing is stored before you have seen what is saved.
      </PageHeader>
      <ServerEditor initial={REMOTE} />
    </>
  );
}
