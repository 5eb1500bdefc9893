import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/access',
  title: 'Access',
  section: 'Security',
  order: 1,
  // Everybody manages the own tokens here.
  operation: 'GET /tokens',
  load: () => import('./Page.js'),
};
