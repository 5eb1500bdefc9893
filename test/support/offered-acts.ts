import type { Page } from 'playwright-core';

/** Places of the page, each with every act that it offers to somebody, and the operation which that act needs. */
export const ACTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/overview': {},
  '/servers': {
    'Import server.json': 'POST /server-json-imports',
    'Import an OpenAPI document': 'POST /openapi-imports',
    'Add a server': 'POST /servers',
  },
  '/servers/tickets': {
    Test: 'POST /servers/{slug}/test',
    Refresh: 'POST /servers/{slug}/refresh',
    Edit: 'PUT /servers/{slug}',
    Disable: 'POST /servers/{slug}/disable',
    Delete: 'DELETE /servers/{slug}',
  },
  '/endpoints': { 'Add an endpoint': 'POST /virtual-servers' },
  '/endpoints/office': {
    Show: 'POST /policy/visible-items',
    Edit: 'PUT /virtual-servers/{slug}',
    Delete: 'DELETE /virtual-servers/{slug}',
  },
  '/items': {},
  '/items/tools/tickets?name=close_ticket': {
    'Approve the new definition': 'POST /tools/{server}/{name}/approve',
    'Switch off': 'POST /tools/{server}/{name}/disable',
    Save: 'PUT /tools/{server}/{name}/presentation',
  },
  '/sessions': {},
  '/sessions/parked-calls': {},
  '/sessions/approvals': { Approve: 'POST /approvals/{id}/approve', Refuse: 'POST /approvals/{id}/refuse' },
  '/sessions/workers': { Drain: 'POST /workers/{id}/drain' },
  '/connections': {},
  '/calls': { Refresh: 'GET /audit' },
  '/calls/audit': { Refresh: 'GET /audit' },
  '/access/policies': { 'Add a policy': 'POST /policies' },
  '/access/policies/closing-is-for-support': { Edit: 'PUT /policies/{slug}', Delete: 'DELETE /policies/{slug}' },
  '/access/explain': { Explain: 'POST /policy/explain' },
  '/access/teams': { 'Add a team': 'POST /teams' },
  '/access/teams/support': { Edit: 'PUT /teams/{slug}', Delete: 'DELETE /teams/{slug}' },
  '/access/tokens': { 'Create a token': 'POST /tokens' },
  '/access/limits': { 'Add a limit': 'POST /limits' },
  '/access/limits/fair-use': { Edit: 'PUT /limits/{slug}', Delete: 'DELETE /limits/{slug}' },
  '/guardrails': { 'Add a guardrail': 'POST /guardrails' },
  '/guardrails/no-addresses': {
    observe: 'PUT /guardrails/{slug}',
    off: 'PUT /guardrails/{slug}',
    Try: 'POST /guardrails/{slug}/try',
    Edit: 'PUT /guardrails/{slug}',
    Delete: 'DELETE /guardrails/{slug}',
  },
  '/settings': { Import: 'POST /import' },
  '/settings/export': { Download: 'GET /export', Import: 'POST /import' },
  '/settings/import': { 'Show the changes': 'POST /import', Import: 'POST /import' },
};

/** Addresses that only those may open who may use the operation. */
export const FORMS: Readonly<Record<string, string>> = {
  '/servers/-/new': 'POST /servers',
  '/servers/-/import': 'POST /openapi-imports',
  '/servers/-/import/server-json': 'POST /server-json-imports',
  '/servers/tickets/edit': 'PUT /servers/{slug}',
  '/endpoints/-/new': 'POST /virtual-servers',
  '/endpoints/office/edit': 'PUT /virtual-servers/{slug}',
  '/access/policies/-/new': 'POST /policies',
  '/access/teams/support/edit': 'PUT /teams/{slug}',
  '/guardrails/no-addresses/edit': 'PUT /guardrails/{slug}',
};

/** Buttons that change nothing and read nothing but what the page shows. */
const HARMLESS = /^(?:Copy\b|Search$)/;

/** The names of all controls in the content of a page that do something, or lead to a form that does. */
export async function offeredActs(page: Page): Promise<readonly string[]> {
  const names = await page.evaluate<readonly string[]>(`
    [...document.querySelectorAll('main button:not(th *):not([disabled]), main a[href]')]
      .filter((each) => each.tagName === 'BUTTON' || /\\/(?:new|edit|import)\\b/.test(each.hash))
      .map((each) => each.getAttribute('aria-label') ?? each.innerText)`);
  return [...new Set(names.filter((name) => !HARMLESS.test(name)))].toSorted();
}
