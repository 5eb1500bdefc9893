import { useMutation, useQuery, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf, type components } from '../../api/index.js';
import type { Entry, EntryDraft } from '../../components/index.js';
import { textsOf } from '../../values/index.js';

export type Check = components['schemas']['GuardrailChecks']['items'][number];
export type Decisions = components['schemas']['GuardrailDecisions'];
export type Trial = components['schemas']['GuardrailTrial'];
type TrialRequest = components['schemas']['TrialRequest'];
type DraftRequest = components['schemas']['GuardrailTrialRequest'];
export type Phase = TrialRequest['phase'];

const INTERVAL_MS = 10_000;

/** The checks that guardrails may name. */
export function useChecks(): UseQueryResult<readonly Check[]> {
  return useQuery({
    queryKey: ['guardrail-checks'],
    staleTime: Infinity,
    queryFn: async () => (await dataOf(api.GET('/admin/v1/guardrail-checks'))).items,
  });
}

/** The phases that the check of an entry supports, those that the entry names first. None while its check is not known. */
export function usePhases(entry: Entry | null): readonly Phase[] {
  const check = useChecks().data?.find(({ name }) => name === entry?.['check']);
  const chosen = textsOf(entry?.['phases']);
  const isOther = (phase: string) => Number(!chosen.includes(phase));
  return ((check?.phases ?? []) as Phase[]).toSorted((one, other) => isOther(one) - isOther(other));
}

/** What all guardrails decided in the last hour. */
export function useDecisions(): UseQueryResult<Decisions> {
  return useQuery({
    queryKey: ['guardrail-decisions'],
    queryFn: () => dataOf(api.GET('/admin/v1/guardrail-decisions')),
    refetchInterval: INTERVAL_MS,
  });
}

interface TriedValue {
  readonly phase: Phase;
  readonly value: object;
}

/** Tries a stored guardrail, or a draft as it is now. */
export function useTrial(tried: string | EntryDraft): UseMutationResult<Trial, Error, TriedValue> {
  return useMutation({
    mutationFn: ({ phase, value }) => {
      const body = { phase, value: value as TrialRequest['value'] };
      if (typeof tried === 'string')
        return dataOf(api.POST('/admin/v1/guardrails/{slug}/try', { params: { path: { slug: tried } }, body }));
      const slug = tried.slug === '' ? {} : { slug: tried.slug };
      const entry = tried.entry as unknown as DraftRequest['entry'];
      return dataOf(api.POST('/admin/v1/guardrails/try', { body: { ...body, ...slug, entry } }));
    },
  });
}
