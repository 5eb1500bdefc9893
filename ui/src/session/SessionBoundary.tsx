import { useEffect, useState, type ReactNode } from 'react';
import { handleUnauthenticated } from '../api/index.js';
import { Loading, Problem } from '../components/index.js';
import { LoginPage } from './LoginPage.js';
import { SessionContext, type Session } from './session.js';
import { forgetSession, useSessionQuery } from './session-queries.js';

/**
 * Shows its children with a session, and the login without one. When a session ends, the children stay as they are behind the
 * login, so that a form is still filled in when the same caller returns.
 */
export function SessionBoundary({ children }: { readonly children: ReactNode }) {
  const { data: session, error, refetch } = useSessionQuery();
  const [last, setLast] = useState<Session>();
  useEffect(() => handleUnauthenticated(forgetSession), []);
  if (session && session !== last) setLast(session);
  if (error && session === undefined) return <Problem cause={error} retry={() => void refetch()} />;
  if (session === undefined) return <Loading what="the session" />;
  const shown = session ?? last;
  return (
    <>
      {session === null && <LoginPage previous={last} />}
      {shown && (
        <SessionContext key={`${shown.issuer ?? ''} ${shown.subject}`} value={shown}>
          <div hidden={session === null}>{children}</div>
        </SessionContext>
      )}
    </>
  );
}
