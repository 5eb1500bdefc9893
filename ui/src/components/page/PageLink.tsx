import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useMayOpen } from '../../navigation/index.js';

interface PageLinkProps {
  readonly to: string;
  readonly children: ReactNode;
}

/** A link to another page, or only its text for a caller who cannot open that page. */
export function PageLink({ to, children }: PageLinkProps) {
  return useMayOpen(to) ? <Link href={to}>{children}</Link> : <span>{children}</span>;
}
