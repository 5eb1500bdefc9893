import { QueryClient } from '@tanstack/react-query';
import { ApiProblem } from './problem.js';

const MAX_RETRIES = 2;
const STALE_AFTER_MS = 5_000;

/** A refusal stays a refusal; only an unreachable gateway or one without its database is asked again. */
const isTransient = (cause: Error): boolean => !(cause instanceof ApiProblem) || cause.status === 503;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_AFTER_MS,
      retry: (failures, cause) => failures < MAX_RETRIES && isTransient(cause),
    },
    mutations: { retry: false },
  },
});
