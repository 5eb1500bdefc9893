import { Button, Problem, Select } from '../components/index.js';
import { useLogout, useSession } from '../session/index.js';
import { THEMES, useTheme, type Theme } from './theme.js';
import styles from './Account.module.css';

/** Who is logged in, the colours of the page, and the way out. */
export function Account() {
  const { subject, roles } = useSession();
  const [theme, setTheme] = useTheme();
  const logout = useLogout();
  return (
    <div className={styles['account']}>
      <p className={styles['subject']} title={subject}>
        {subject}
      </p>
      <p className={styles['roles']}>{roles.join(', ')}</p>
      {logout.error && <Problem cause={logout.error} />}
      <div className={styles['controls']}>
        <Select
          aria-label="Colours"
          options={THEMES}
          value={theme}
          onChange={({ target }) => setTheme(target.value as Theme)}
        />
        <Button disabled={logout.isPending} onClick={() => logout.mutate()}>
          Log out
        </Button>
      </div>
    </div>
  );
}
