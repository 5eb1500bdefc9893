import { Link, useLocation } from 'wouter';
import styles from './Tabs.module.css';

interface Tab {
  readonly title: string;
  readonly path: string;
  /** How much the part shows. */
  readonly count?: number | undefined;
}

interface TabsProps {
  /** Names the tabs for screen readers. */
  readonly label: string;
  readonly tabs: readonly Tab[];
}

/** The parts of a page that have addresses of their own. */
export function Tabs({ label, tabs }: TabsProps) {
  const [location] = useLocation();
  const matching = tabs.filter(({ path }) => location === path || location.startsWith(`${path}/`));
  // The path of a tab may begin with that of another one.
  const current = matching.toSorted((one, other) => other.path.length - one.path.length)[0]?.path;
  return (
    <nav aria-label={label} className={styles['tabs']}>
      <ul className={styles['list']}>
        {tabs.map(({ title, path, count }) => (
          <li key={path}>
            <Link href={path} className={styles['tab'] ?? ''} aria-current={path === current ? 'page' : undefined}>
              {title}
              {count !== undefined && <span className={styles['count']}>{count}</span>}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
