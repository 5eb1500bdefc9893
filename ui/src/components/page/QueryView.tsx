import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Loading } from './Loading.js';
import { Problem } from './Problem.js';

interface QueryViewProps<T> {
  readonly query: UseQueryResult<T>;
  /** What is read, for example `the servers`. */
  readonly what: string;
  readonly children: (data: T) => ReactNode;
}

/** Shows what a query has read, that it is still reading, or why it failed. */
export function QueryView<T>({ query, what, children }: QueryViewProps<T>) {
  const { data, error, refetch } = query;
  return (
    <>
      {error && <Problem cause={error} retry={() => void refetch()} />}
      {data === undefined && !error && <Loading what={what} />}
      {data !== undefined && children(data)}
    </>
  );
}
