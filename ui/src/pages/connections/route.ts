import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/connections',
  title: 'Connections',
  section: 'Traffic',
  order: 2,
  operation: 'GET /upstream-sessions',
  load: () => import('./Page.js'),
};
