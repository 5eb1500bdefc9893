import type { PageRoute } from '../../app/page-route.js';

export const route: PageRoute = {
  path: '/guardrails',
  title: 'Guardrails',
  section: 'Security',
  order: 2,
  operation: 'GET /guardrails',
  load: () => import('./Page.js'),
};
