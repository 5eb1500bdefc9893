import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/items',
  title: 'Tools and resources',
  section: 'Catalog',
  order: 3,
  operation: 'GET /tools',
  load: () => import('./Page.js'),
};
