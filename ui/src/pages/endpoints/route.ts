import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/endpoints',
  title: 'Endpoints',
  section: 'Catalog',
  order: 2,
  operation: 'GET /virtual-servers',
  load: () => import('./Page.js'),
};
