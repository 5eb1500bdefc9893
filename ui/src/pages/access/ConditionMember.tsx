import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, dataOf, type components } from '../../api/index.js';
import { CodeInput, Field } from '../../components/index.js';
import { type EntryFormProps } from '../../entries/index.js';
import { textOf } from '../../values/index.js';
import styles from './access.module.css';

type Check = components['schemas']['ConditionCheck'];

/** Time without a key before a condition is checked. */
const PAUSE_MS = 300;

/** The condition of a policy, checked by the gateway while it is written. */
export function ConditionMember({ entry, set }: Pick<EntryFormProps, 'entry' | 'set'>) {
  const text = textOf(entry['when']);
  const check = useConditionCheck(text);
  const fault = text === '' ? undefined : (check.error?.message ?? faultOf(check.data));
  return (
    <div className={styles['condition']}>
      <Field label="Condition" hint={<Hint check={text === '' ? undefined : check.data} />} fault={fault}>
        {(field) => (
          <CodeInput
            {...field}
            value={text}
            faultyLine={fault === undefined ? undefined : check.data?.line}
            onChange={({ target }) => set('when', target.value || undefined)}
          />
        )}
      </Field>
      <Reference />
    </div>
  );
}

function Hint({ check }: { readonly check: Check | undefined }) {
  if (check?.valid !== true) return 'An expression in CEL. Empty: the policy always applies to its callers.';
  return check.usesArgs
    ? 'Valid. It reads arguments: lists show the items, and each call is decided.'
    : 'Valid. It reads claims only: lists hide what it denies.';
}

const faultOf = (check: Check | undefined): string | undefined => {
  if (check?.fault === undefined) return undefined;
  return check.line === undefined ? check.fault : `Line ${check.line}, column ${check.column ?? 1}: ${check.fault}`;
};

function useConditionCheck(text: string): UseQueryResult<Check> {
  const expression = usePaused(text);
  return useQuery({
    queryKey: ['condition', expression],
    enabled: expression !== '',
    staleTime: Infinity,
    placeholderData: (previous: Check | undefined) => previous,
    queryFn: () => dataOf(api.GET('/admin/v1/policy/condition', { params: { query: { expression } } })),
  });
}

function usePaused(text: string): string {
  const [paused, setPaused] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return paused;
}

const REFERENCE: readonly (readonly [code: string, meaning: string])[] = [
  ['claims', 'the claims of the token: claims.sub, claims.department, "staff" in claims.groups'],
  ['args', 'the arguments of the call: args.amount <= 1000'],
  [
    'has(args.path)',
    'whether it is present. What is missing cannot be read: the policy then allows nothing, or denies',
  ],
  ['== != < <= > >= in', 'comparisons; numbers compare by their values'],
  ['&& || ! ? :', 'combinations'],
  ['startsWith endsWith contains size', 'texts: args.path.startsWith("/public/")'],
  ['all exists filter map', 'lists: args.to.all(address, address.endsWith("@example.com"))'],
];

function Reference() {
  return (
    <details className={styles['reference']}>
      <summary>What a condition can read</summary>
      <dl>
        {REFERENCE.map(([code, meaning]) => (
          <div key={code}>
            <dt>
              <code>{code}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p>At most 2,000 characters, without regular expressions and without loops in loops.</p>
    </details>
  );
}
