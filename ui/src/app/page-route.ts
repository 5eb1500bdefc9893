import type { ComponentType } from 'react';
import type { Operation } from '../api/index.js';

/** The parts of the navigation, in their order. */
export const SECTIONS = ['', 'Catalog', 'Traffic', 'Security', 'System'] as const;

/** A page, as its `route.ts` declares it. */
export interface PageRoute {
  /** `/servers`; the page also gets every path below it. */
  readonly path: string;
  readonly title: string;
  readonly section: (typeof SECTIONS)[number];
  /** Position in its section. */
  readonly order: number;
  /** The page is offered to callers who may use this operation. */
  readonly operation: Operation;
  /** Loads the code of the page when it is first opened. */
  readonly load: () => Promise<{ readonly Page: ComponentType }>;
}
