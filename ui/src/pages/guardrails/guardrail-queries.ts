import { useMutation, useQuery, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf, type components } from '../../api/index.js';

export type Check = components['schemas']['GuardrailChecks']['items'][number];
export type Decisions = components['schemas']['GuardrailDecisions'];
export type Trial = components['schemas']['GuardrailTrial'];
type TrialRequest = components['schemas']['TrialRequest'];
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

export function useTrial(slug: string): UseMutationResult<Trial, Error, TriedValue> {
  return useMutation({
    mutationFn: ({ phase, value }) =>
      dataOf(
        api.POST('/admin/v1/guardrails/{slug}/try', {
          params: { path: { slug } },
          body: { phase, value: value as TrialRequest['value'] },
        }),
      ),
  });
}
