import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/servers',
  title: 'Servers',
  section: 'Catalog',
  order: 1,
  operation: 'GET /servers',
  load: () => import('./Page.js'),
};
