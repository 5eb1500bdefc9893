import { useMutation, useQuery, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { ApiProblem, queryClient, reopenLiveFigures, requestPage } from '../api/index.js';
import type { Session } from './session.js';

const SESSION = ['session'];

export interface LoginOptions {
  readonly token: boolean;
  /** The identity provider, if one is configured. */
  readonly openId: { readonly name: string } | null;
}

/** The session of this browser. Null without one. */
export function useSessionQuery(): UseQueryResult<Session | null> {
  return useQuery({ queryKey: SESSION, queryFn: readSession, staleTime: Infinity });
}

async function readSession(): Promise<Session | null> {
  try {
    return await requestPage<Session>('GET', 'session');
  } catch (cause) {
    if (cause instanceof ApiProblem && cause.status === 401) return null;
    throw cause;
  }
}

export function useLoginOptions(): UseQueryResult<LoginOptions> {
  return useQuery({
    queryKey: ['login-options'],
    queryFn: () => requestPage<LoginOptions>('GET', 'login-options'),
    staleTime: Infinity,
  });
}

/** @param previous the session that has ended while its page was open */
export function useTokenLogin(previous: Session | undefined): UseMutationResult<Session, Error, string> {
  return useMutation({
    mutationFn: (token: string) => requestPage<Session>('POST', 'session', { token }),
    onSuccess: (session) => {
      // Another caller may not see what the previous one has read. The same caller continues with it.
      if (!previous || !isSameCaller(previous, session)) queryClient.removeQueries({ predicate: isAboutCaller });
      queryClient.setQueryData(SESSION, session);
      reopenLiveFigures();
    },
  });
}

const isAboutCaller = ({ queryKey }: { readonly queryKey: readonly unknown[] }): boolean => queryKey[0] !== SESSION[0];

const isSameCaller = (one: Session, other: Session): boolean =>
  one.subject === other.subject && one.issuer === other.issuer && one.permissions.join() === other.permissions.join();

export function useLogout(): UseMutationResult<void, Error, void> {
  return useMutation({
    mutationFn: () => requestPage<void>('DELETE', 'session'),
    // Discards everything that was read.
    onSuccess: () => window.location.reload(),
  });
}

/** Shows the login. What was read stays until it is known who logs in. */
export const forgetSession = (): void => {
  queryClient.setQueryData(SESSION, null);
};
