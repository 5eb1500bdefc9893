import { useMutation, useQuery, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf, queryClient, TOKENS, type AccessToken, type components } from '../../api/index.js';

export type TokenRequest = components['schemas']['TokenRequest'];

export function useToken(id: string): UseQueryResult<AccessToken> {
  return useQuery({
    queryKey: [...TOKENS, id],
    queryFn: () => dataOf(api.GET('/admin/v1/tokens/{id}', { params: { path: { id } } })),
  });
}

export function useTokenCreation(): UseMutationResult<AccessToken, Error, TokenRequest> {
  return useMutation({
    mutationFn: (body) => dataOf(api.POST('/admin/v1/tokens', { body })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: TOKENS, exact: true }),
    // The text of a token is shown once, and not kept.
    gcTime: 0,
  });
}

export async function revokeToken(id: string): Promise<void> {
  await dataOf(api.DELETE('/admin/v1/tokens/{id}', { params: { path: { id } } }));
  // The page of a revoked token is left, and must not read it again.
  await queryClient.invalidateQueries({ queryKey: TOKENS, exact: true });
}
