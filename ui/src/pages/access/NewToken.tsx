import { useState } from 'react';
import { GATEWAY_URL, type AccessToken } from '../../api/index.js';
import {
  ButtonLink,
  Checkbox,
  Copyable,
  Definitions,
  Form,
  PageHeader,
  Panel,
  SelectField,
  TextField,
  TextList,
} from '../../components/index.js';
import { discardUnsavedChanges, navigate } from '../../navigation/index.js';
import { usePermissions, useSession } from '../../session/index.js';
import styles from './access.module.css';
import { factsOf, TOKENS_PAGE } from './TokenDetails.js';
import { useTokenCreation, type TokenRequest } from './token-queries.js';

const LIFETIMES = {
  '': 'Default',
  '1h': '1 hour',
  '1d': '1 day',
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
  '365d': '1 year',
};

export function NewToken() {
  const [created, setCreated] = useState<AccessToken>();
  return (
    <>
      <PageHeader title={created ? created.title : 'Create a token'} parent={TOKENS_PAGE} />
      {created ? <CreatedToken token={created} /> : <TokenForm onCreated={setCreated} />}
    </>
  );
}

function TokenForm({ onCreated }: { readonly onCreated: (token: AccessToken) => void }) {
  const [request, setRequest] = useState<TokenRequest>();
  const creation = useTokenCreation();
  const draft = request ?? { title: '' };
  const set: SetRequest = (change) => setRequest({ ...draft, ...change } as TokenRequest);
  const onSuccess = (token: AccessToken) => {
    discardUnsavedChanges();
    onCreated(token);
  };
  return (
    <Panel>
      <Form
        onSubmit={() => creation.mutate(draft, { onSuccess })}
        submitLabel="Create"
        isDirty={request !== undefined}
        isPending={creation.isPending}
        error={creation.error}
        onCancel={() => navigate(TOKENS_PAGE.path)}
      >
        <TextField
          label="Title"
          isRequired
          hint="What it is for."
          value={draft.title}
          onChange={(title) => set({ title })}
        />
        <div className={styles['fields']}>
          <SelectField
            label="Lifetime"
            hint="Tokens with administrative roles live shorter."
            options={LIFETIMES}
            value={draft.expiresIn ?? ''}
            onChange={(value) => set({ expiresIn: value || undefined })}
          />
          <SubjectField value={draft.subject ?? ''} onChange={(subject) => set({ subject: subject || undefined })} />
        </div>
        <RoleChoice chosen={draft.roles ?? []} onChange={(roles) => set({ roles })} />
        <TextList
          label="Servers"
          hint="One name a line. Empty: all that its subject may use. A token with servers cannot use the admin API."
          value={draft.servers}
          onChange={(servers) => set({ servers })}
        />
      </Form>
    </Panel>
  );
}

type SetRequest = (change: Readonly<Partial<Record<keyof TokenRequest, unknown>>>) => void;

interface RoleChoiceProps {
  readonly chosen: readonly string[];
  readonly onChange: (roles: readonly string[]) => void;
}

/** A token has at most the roles of its creator. */
function RoleChoice({ chosen, onChange }: RoleChoiceProps) {
  const { roles } = useSession();
  const toggle = (role: string) =>
    onChange(chosen.includes(role) ? chosen.filter((each) => each !== role) : [...chosen, role]);
  return (
    <fieldset className={styles['stack']}>
      <legend className={styles['legend']}>Roles</legend>
      <div className={styles['list']}>
        {roles.map((role) => (
          <Checkbox key={role} label={role} checked={chosen.includes(role)} onChange={() => toggle(role)} />
        ))}
      </div>
      <p className={styles['hint']}>None is needed to use servers.</p>
    </fieldset>
  );
}

/** Only an admin may create tokens of other subjects. */
function SubjectField(props: { readonly value: string; readonly onChange: (value: string) => void }) {
  const may = usePermissions();
  const { subject } = useSession();
  if (!may('DELETE /subjects/{issuer}/{subject}/tokens')) return null;
  return <TextField {...props} label="Subject" hint="Whom it authenticates. Empty: yourself." placeholder={subject} />;
}

function CreatedToken({ token }: { readonly token: AccessToken }) {
  return (
    <div className={styles['stack']}>
      <section className={styles['token']} aria-label="The new token">
        <p>
          <strong>Copy the token now.</strong> It is not stored in readable form and will not be shown again.
        </p>
        <Copyable text={token.token ?? ''} what="the token" />
        <p>
          A client sends it as <code>Authorization: Bearer …</code>, for example to the endpoint of all servers:
        </p>
        <Copyable text={`${GATEWAY_URL}/mcp`} what="the address of the endpoint" />
        <div>
          <ButtonLink to={`/access/tokens/${token.id}`}>Done</ButtonLink>
        </div>
      </section>
      <Panel title="Token">
        <Definitions items={factsOf(token)} />
      </Panel>
    </div>
  );
}
