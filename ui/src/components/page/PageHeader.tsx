import { useEffect, type ReactNode } from 'react';
import { Link } from 'wouter';
import styles from './PageHeader.module.css';

interface PageHeaderProps {
  readonly title: string;
  /** One sentence about the page, or the state of what it shows. */
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  /** The page that lists what this one shows. */
  readonly parent?: { readonly title: string; readonly path: string };
}

/** The heading of a page, which is also the title of the browser's tab. */
export function PageHeader({ title, children, actions, parent }: PageHeaderProps) {
  useEffect(() => {
    document.title = `${title} · Isthmus`;
  }, [title]);
  return (
    <header className={styles['header']}>
      <div className={styles['text']}>
        {parent && (
          <Link href={parent.path} className={styles['parent']}>
            ← {parent.title}
          </Link>
        )}
        <h1 className={styles['title']} tabIndex={-1} data-page-title>
          {title}
        </h1>
        {children !== undefined && <div className={styles['description']}>{children}</div>}
      </div>
      {actions !== undefined && <div className={styles['actions']}>{actions}</div>}
    </header>
  );
}
