import { useEffect, useRef, useState, type FormEvent } from 'react';
import { GATEWAY_URL } from '../api/index.js';
import { Button, Field, Problem, TextInput } from '../components/index.js';
import styles from './LoginPage.module.css';
import type { Session } from './session.js';
import { useLoginOptions, useTokenLogin } from './session-queries.js';

interface LoginPageProps {
  /** The session that has ended while its page was open. */
  readonly previous: Session | undefined;
}

export function LoginPage({ previous }: LoginPageProps) {
  const options = useLoginOptions();
  return (
    <main className={styles['page']}>
      <div className={styles['card']}>
        <h1 className={styles['title']}>Log in to Isthmus</h1>
        {previous && <output>Your session has ended. Log in to continue.</output>}
        <FailedLogin />
        {options.error && <Problem cause={options.error} retry={() => void options.refetch()} />}
        {options.data?.openId && <OpenIdLogin name={options.data.openId.name} />}
        {options.data?.token === true && <TokenLogin previous={previous} />}
      </div>
    </main>
  );
}

/** The page to which the identity provider leads back. The address keeps it while the login is shown. */
const returnPath = (): string => {
  const path = window.location.hash.slice(1);
  return path === '' || path.startsWith('/login') ? '/' : path;
};

/** The callback of the identity provider leads to `#/login?error=…`. */
function FailedLogin() {
  const [path = '', query] = window.location.hash.split('?');
  const error = path === '#/login' ? new URLSearchParams(query).get('error') : null;
  return error === null ? null : <Problem cause={new Error(error)} />;
}

function OpenIdLogin({ name }: { readonly name: string }) {
  const start = () =>
    window.location.assign(`${GATEWAY_URL}/admin/ui/login?return=${encodeURIComponent(returnPath())}`);
  return (
    <Button variant="primary" onClick={start}>
      Log in with {name}
    </Button>
  );
}

function TokenLogin({ previous }: LoginPageProps) {
  const [token, setToken] = useState('');
  const login = useTokenLogin(previous);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate(token.trim());
  };
  return (
    <form className={styles['form']} onSubmit={submit}>
      <Field label="Token" hint="A token that this gateway accepts. Its roles decide what you can do.">
        {(field) => (
          <TextInput
            {...field}
            ref={input}
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        )}
      </Field>
      <details className={styles['help']}>
        <summary>Where do I get a token?</summary>
        <p>
          The gateway prints one at its first start. Later, run <code>npm run token -- --subject you --role admin</code>{' '}
          in its folder, or <code>isthmus token</code> in a container.
        </p>
      </details>
      {login.error && <Problem cause={login.error} />}
      <Button variant="primary" type="submit" disabled={token.trim() === '' || login.isPending}>
        Log in
      </Button>
    </form>
  );
}
