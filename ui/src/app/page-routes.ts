import { lazy, type ComponentType } from 'react';
import { SECTIONS, type PageRoute } from './page-route.js';

export interface LoadedRoute extends Omit<PageRoute, 'load'> {
  readonly Page: ComponentType;
}

const MAX_ORDER = 1_000;

/** Every folder of `pages` with a `route.ts` is a page. */
const modules = import.meta.glob<{ readonly route: PageRoute }>('../pages/*/route.ts', { eager: true });

export const PAGE_ROUTES: readonly LoadedRoute[] = Object.values(modules)
  .map(({ route }) => route)
  .toSorted((one, other) => placeOf(one) - placeOf(other))
  .map(({ load, ...route }) => ({ ...route, Page: lazy(async () => ({ default: (await load()).Page })) }));

function placeOf({ section, order }: PageRoute): number {
  return SECTIONS.indexOf(section) * MAX_ORDER + order;
}
