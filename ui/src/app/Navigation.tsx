import { Link, useLocation } from 'wouter';
import { SECTIONS } from './page-route.js';
import type { LoadedRoute } from './page-routes.js';
import styles from './Navigation.module.css';

interface NavigationProps {
  readonly routes: readonly LoadedRoute[];
  readonly onNavigate: () => void;
}

export function Navigation({ routes, onNavigate }: NavigationProps) {
  const [location] = useLocation();
  const isCurrent = (path: string) => location === path || location.startsWith(`${path}/`);
  return (
    <nav aria-label="Pages" className={styles['navigation']}>
      {SECTIONS.map((section) => {
        const own = routes.filter((route) => route.section === section);
        if (own.length === 0) return null;
        return (
          <div key={section}>
            {section !== '' && <p className={styles['section']}>{section}</p>}
            <ul>
              {own.map(({ path, title }) => (
                <li key={path}>
                  <Link
                    href={path}
                    className={styles['link'] ?? ''}
                    aria-current={isCurrent(path) ? 'page' : undefined}
                    onClick={onNavigate}
                  >
                    {title}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}
