import { useState } from 'react';
import { Form, PageHeader, Panel } from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { DocumentFields } from './DocumentFields.js';
import { LeftOut } from './LeftOut.js';
import { leftOutOf, useServerJsonImport, type ServerJsonDraft } from './server-queries.js';
import { ServerEditor } from './ServerEditor.js';
import { ServerJsonInputs } from './ServerJsonInputs.js';
import styles from './servers.module.css';

type Step = { readonly name: 'document' } | { readonly name: 'inputs' | 'entry'; readonly draft: ServerJsonDraft };

/** Reads a document, asks for what it needs, and continues with the form of the server. */
export function ImportServerJson() {
  const [document, setDocument] = useState('');
  const [step, setStep] = useState<Step>({ name: 'document' });
  const read = (draft: ServerJsonDraft) => {
    const usable = draft.choices.filter(({ unsupported }) => unsupported === undefined);
    setStep({ name: draft.inputs.length > 0 || usable.length > 1 ? 'inputs' : 'entry', draft });
  };
  return (
    <>
      <PageHeader title="Import server.json" parent={{ title: 'Servers', path: '/servers' }}>
        Registries of MCP servers describe each server in a server.json. Nothing is stored, fetched or started before
        you have seen the result.
      </PageHeader>
      {step.name === 'document' && <DocumentForm document={document} onChange={setDocument} onRead={read} />}
      {step.name === 'inputs' && (
        <ServerJsonInputs
          key={step.draft.choice}
          document={document}
          draft={step.draft}
          onDraft={(draft) => setStep({ name: 'inputs', draft })}
          onFilled={(draft) => setStep({ name: 'entry', draft })}
          onBack={() => setStep({ name: 'document' })}
        />
      )}
      {step.name === 'entry' && (
        <div className={styles['stack']}>
          <LeftOut parts={leftOutOf(step.draft)} />
          <ServerEditor initial={{ slug: step.draft.slug, entry: { ...step.draft.entry } }} />
        </div>
      )}
    </>
  );
}

interface DocumentFormProps {
  readonly document: string;
  readonly onChange: (document: string) => void;
  readonly onRead: (draft: ServerJsonDraft) => void;
}

function DocumentForm({ document, onChange, onRead }: DocumentFormProps) {
  const convert = useServerJsonImport();
  return (
    <Panel>
      <Form
        onSubmit={() => convert.mutate({ document, inputs: {} }, { onSuccess: onRead })}
        submitLabel="Continue"
        isDirty={false}
        isPending={convert.isPending}
        error={convert.error}
        onCancel={() => navigate('/servers')}
      >
        <DocumentFields
          hint="A server.json, or the answer of a registry for one server."
          accept=".json"
          document={document}
          onChange={onChange}
        />
      </Form>
    </Panel>
  );
}
