import { Suspense, useEffect, useRef, useState, type MouseEvent } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { Button, Icon, Loading, NoSuchPage } from '../components/index.js';
import { KnownPages } from '../navigation/index.js';
import { usePermissions } from '../session/index.js';
import { Account } from './Account.js';
import { ErrorBoundary } from './ErrorBoundary.js';
import { Navigation } from './Navigation.js';
import { PAGE_ROUTES, type LoadedRoute } from './page-routes.js';
import styles from './Shell.module.css';

/** The navigation beside the current page. */
export function Shell() {
  const may = usePermissions();
  const [path] = useLocation();
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const main = useFocusOnChange(path);
  const routes = PAGE_ROUTES.filter(({ operation }) => may(operation));
  const skip = (event: MouseEvent) => {
    // The address names the page, not a part of it.
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <div className={styles['shell']}>
      <header className={styles['bar']}>
        <Button
          variant="plain"
          aria-expanded={isMenuOpen}
          aria-controls="sidebar"
          onClick={() => setIsMenuOpen(!isMenuOpen)}
        >
          <Icon name="menu" /> Menu
        </Button>
        <span className={styles['brand']}>Isthmus</span>
      </header>
      <aside id="sidebar" aria-label="Menu" className={styles['sidebar']} data-open={isMenuOpen}>
        <a href="#main" className={styles['skip']} onClick={skip}>
          Skip to the content
        </a>
        <p className={styles['brand']}>Isthmus</p>
        <Navigation routes={routes} onNavigate={() => setIsMenuOpen(false)} />
        <Account />
      </aside>
      <main id="main" ref={main} tabIndex={-1} className={styles['main']}>
        <KnownPages value={new Map(PAGE_ROUTES.map((route) => [route.path, may(route.operation)]))}>
          <ErrorBoundary key={path}>
            <Suspense fallback={<Loading what="the page" />}>
              <Pages routes={routes} />
            </Suspense>
          </ErrorBoundary>
        </KnownPages>
      </main>
    </div>
  );
}

function Pages({ routes }: { readonly routes: readonly LoadedRoute[] }) {
  const [first] = routes;
  return (
    <Switch>
      {routes.map(({ path, Page }) => (
        <Route key={path} path={`${path}/*?`}>
          <Page />
        </Route>
      ))}
      {first && (
        <Route path="/">
          <Redirect to={first.path} replace />
        </Route>
      )}
      {first && (
        <Route path="/login">
          <Redirect to={first.path} replace />
        </Route>
      )}
      <Route>
        <NoSuchPage />
      </Route>
    </Switch>
  );
}

/** Moves the focus to the content when another page is opened, so that screen readers announce it. */
function useFocusOnChange(path: string) {
  const main = useRef<HTMLElement>(null);
  const previous = useRef(path);
  useEffect(() => {
    if (previous.current === path) return;
    previous.current = path;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}
