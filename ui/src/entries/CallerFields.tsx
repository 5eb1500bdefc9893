import { useTokens, type components } from '../api/index.js';
import { LongTextField, SelectField, TextField } from '../components/index.js';
import { useQueryParameter } from '../navigation/index.js';
import { requireObject, textsOf } from '../values/index.js';
import { useEntries } from './collection.js';
import styles from './entries.module.css';

/** The members of a request that describe a caller. */
export type CallerChoice = Pick<components['schemas']['ExplainRequest'], 'caller' | 'token' | 'anonymous'>;

const AS = { caller: 'A subject', token: 'A personal access token', anonymous: 'Nobody: no token' } as const;
const LISTS = { roles: 'Roles of the token', teams: 'Teams of the token', scopes: 'Scopes of the token' } as const;
const LIST_NAMES = ['roles', 'teams', 'scopes'] as const;
type Claims = NonNullable<NonNullable<CallerChoice['caller']>['claims']>;

/** The caller that a question is about, as the address keeps it. */
export function useAssumedCaller() {
  const [chosen, setAs] = useQueryParameter('as');
  const [subject, setSubject] = useQueryParameter('subject');
  const [token, setToken] = useQueryParameter('token');
  const [roles, setRoles] = useQueryParameter('roles');
  const [teams, setTeams] = useQueryParameter('teams');
  const [scopes, setScopes] = useQueryParameter('scopes');
  const [claims, setClaims] = useQueryParameter('claims');
  const as = chosen === 'token' || chosen === 'anonymous' ? chosen : 'caller';
  const isChosen = as === 'anonymous' || (as === 'token' ? token : subject) !== '';
  return {
    as,
    isChosen,
    /** The parts of an address that describe the caller. */
    parameters: { as: chosen, subject, token, roles, teams, scopes, claims },
    setAs,
    subject,
    setSubject,
    token,
    setToken,
    claims,
    setClaims,
    lists: { roles, teams, scopes },
    setList: { roles: setRoles, teams: setTeams, scopes: setScopes },
    /** @throws Error for claims that are no JSON object */
    toRequest: (): CallerChoice => {
      if (as === 'anonymous') return { anonymous: true };
      if (as === 'token') return { token };
      const lists = { roles: toTexts(roles), teams: toTexts(teams), scopes: toTexts(scopes) };
      const own = claims.trim() === '' ? undefined : (requireObject(claims, 'Claims') as Claims);
      return { caller: { subject, ...lists, ...(own && { claims: own }) } };
    },
  };
}

const toTexts = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

export function CallerFields({ caller }: { readonly caller: ReturnType<typeof useAssumedCaller> }) {
  const { as, setAs } = caller;
  return (
    <div className={styles['fields']}>
      <SelectField
        label="Caller"
        options={AS}
        value={as}
        onChange={(value) => setAs(value === 'caller' ? '' : value)}
      />
      {as === 'token' && <TokenField value={caller.token} onChange={caller.setToken} />}
      {as === 'caller' && <SubjectFields caller={caller} />}
    </div>
  );
}

interface TokenFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function TokenField(props: TokenFieldProps) {
  const tokens = useTokens().data ?? [];
  const titles = tokens.map(({ id, title, subject }) => [id, `${title} (${subject})`] as const);
  return (
    <SelectField {...props} label="Token" isRequired options={{ '': 'Choose …', ...Object.fromEntries(titles) }} />
  );
}

function SubjectFields({ caller }: { readonly caller: ReturnType<typeof useAssumedCaller> }) {
  const { subject, setSubject, claims, setClaims, lists, setList } = caller;
  const members = (useEntries('teams').data ?? []).flatMap(({ entry }) => textsOf(entry?.['members']));
  const tokens = (useTokens().data ?? []).map((token) => token.subject);
  return (
    <>
      <TextField
        label="Subject"
        isRequired
        hint="Its teams and their roles count as well."
        suggestions={[...new Set([...members, ...tokens])]}
        value={subject}
        onChange={setSubject}
      />
      {LIST_NAMES.map((name) => (
        <TextField key={name} label={LISTS[name]} placeholder="none" value={lists[name]} onChange={setList[name]} />
      ))}
      <LongTextField
        label="Claims of the token"
        hint="JSON, for policies with conditions."
        value={claims}
        onChange={setClaims}
      />
    </>
  );
}
