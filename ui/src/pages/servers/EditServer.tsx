import { useQuery } from '@tanstack/react-query';
import { PageHeader, QueryView } from '../../components/index.js';
import { ServerEditor } from './ServerEditor.js';
import { readStoredServer } from './server-queries.js';

export function EditServer({ slug }: { readonly slug: string }) {
  // Read once: the form shows a newer version when it is saved.
  const stored = useQuery({
    queryKey: ['stored-server', slug],
    queryFn: () => readStoredServer(slug),
    gcTime: 0,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  return (
    <>
      <PageHeader title={`Edit ${slug}`} parent={{ title: slug, path: `/servers/${slug}` }}>
        [kept] stands for a stored credential. Leave it as it is to keep the credential.
      </PageHeader>
      <QueryView query={stored} what="the server">
        {(entry) => <ServerEditor stored={entry} />}
      </QueryView>
    </>
  );
}
