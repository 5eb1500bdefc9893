import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/try',
  title: 'Try it',
  section: 'Catalog',
  order: 4,
  operation: 'GET /tools',
  load: () => import('./Page.js'),
};
