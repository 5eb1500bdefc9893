import { useState } from 'react';
import { Field, Form, PageHeader, Panel, TextArea, TextInput } from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { DocumentFields } from './DocumentFields.js';
import { LeftOut } from './LeftOut.js';
import { ServerEditor } from './ServerEditor.js';
import { useOpenApiImport, type ImportedServer } from './server-queries.js';
import styles from './servers.module.css';

/** Converts a document, shows what was left out, and continues with the form of the server. */
export function ImportOpenApi() {
  const [imported, setImported] = useState<ImportedServer>();
  return (
    <>
      <PageHeader title="Import an OpenAPI document" parent={{ title: 'Servers', path: '/servers' }}>
        Each operation of an HTTP API becomes a tool. Nothing is stored before you have seen the result.
      </PageHeader>
      {imported ? <ImportResult imported={imported} /> : <ImportForm onImported={setImported} />}
    </>
  );
}

function ImportForm({ onImported }: { readonly onImported: (imported: ImportedServer) => void }) {
  const [document, setDocument] = useState('');
  const [operations, setOperations] = useState('');
  const [url, setUrl] = useState('');
  const convert = useOpenApiImport();
  const submit = () => {
    const patterns = operations.split('\n').map((line) => line.trim());
    convert.mutate({ document, operations: patterns.filter(Boolean), url: url.trim() }, { onSuccess: onImported });
  };
  return (
    <Panel>
      <Form
        onSubmit={submit}
        submitLabel="Convert"
        isDirty={false}
        isPending={convert.isPending}
        error={convert.error}
        onCancel={() => navigate('/servers')}
      >
        <DocumentFields
          hint="OpenAPI 3 or Swagger 2.0, as JSON or YAML."
          accept=".json,.yaml,.yml"
          document={document}
          onChange={setDocument}
        />
        <Field label="Operations" hint="One pattern a line: an operation id, or GET /pets/*. Empty: all operations.">
          {(field) => <TextArea {...field} value={operations} onChange={({ target }) => setOperations(target.value)} />}
        </Field>
        <Field label="Base URL" hint="Empty: the server URL of the document.">
          {(field) => <TextInput {...field} value={url} onChange={({ target }) => setUrl(target.value)} />}
        </Field>
      </Form>
    </Panel>
  );
}

function ImportResult({ imported }: { readonly imported: ImportedServer }) {
  const { entry, skipped, security } = imported;
  return (
    <div className={styles['stack']}>
      {security.length > 0 && (
        <Panel title="Credentials">
          <ul className={styles['list']}>
            {security.map(({ name, configure }) => (
              <li key={name}>
                <strong>{name}</strong>: {configure}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <LeftOut parts={skipped.map(({ operation, ...rest }) => ({ place: operation, ...rest }))} />
      <ServerEditor initial={{ slug: '', entry: { ...entry } }} />
    </div>
  );
}
