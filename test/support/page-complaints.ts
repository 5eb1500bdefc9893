import type { Page } from 'playwright-core';

/**
 * Blocks every other host, and collects what should not happen on any page: failed scripts, refused content, requests to
 * other hosts, and dialogs that a script has opened.
 */
export async function collectComplaints(page: Page, origin: string): Promise<string[]> {
  const complaints: string[] = [];
  await page.route(
    (target) => target.origin !== origin && target.protocol !== 'about:',
    (route, request) => {
      complaints.push(`requested ${request.url()}`);
      return route.abort();
    },
  );
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    // A refused request is not a fault of the page, which shows it.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  page.on('dialog', (dialog) => {
    // The browser asks before unsaved changes are discarded. Other dialogs come from scripts, and the page opens none.
    if (dialog.type() === 'beforeunload') return void dialog.accept();
    complaints.push(`opened a dialog (${dialog.type()}): ${dialog.message()}`);
    void dialog.dismiss();
  });
  return complaints;
}
