import { createContext, use } from 'react';
import type { Operation } from '../api/index.js';

/** Who is logged in, and what that caller may do. */
export interface Session {
  readonly subject: string;
  readonly issuer?: string;
  readonly roles: readonly string[];
  /** The operations of the admin API that the caller may use. */
  readonly permissions: readonly string[];
}

export const SessionContext = createContext<Session | undefined>(undefined);

/** The session of the caller. Pages are shown only with one. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('This part of the page needs a session.');
  return session;
}

/** Returns whether the caller may use an operation. It decides what is offered; the API decides what is done. */
export function usePermissions(): (operation: Operation) => boolean {
  const { permissions } = useSession();
  return (operation) => permissions.includes(operation);
}
