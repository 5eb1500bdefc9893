import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/overview',
  title: 'Overview',
  section: '',
  order: 1,
  operation: 'GET /live',
  load: () => import('./Page.js'),
};
