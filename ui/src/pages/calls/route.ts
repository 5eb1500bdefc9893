import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/calls',
  title: 'Calls and audit',
  section: 'Traffic',
  order: 3,
  operation: 'GET /audit',
  load: () => import('./Page.js'),
};
