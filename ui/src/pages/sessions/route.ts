import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/sessions',
  title: 'Sessions and workers',
  section: 'Traffic',
  order: 1,
  operation: 'GET /sessions',
  load: () => import('./Page.js'),
};
