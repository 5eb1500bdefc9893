import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/settings',
  title: 'Settings',
  section: 'System',
  order: 9,
  operation: 'GET /settings',
  load: () => import('./Page.js'),
};
