import { PageHeader } from './PageHeader.js';

/** Shown at an address without a page, or with one that the caller may not open. */
export function NoSuchPage() {
  return (
    <PageHeader title="This page does not exist">
      The address is wrong, or your roles do not permit what it shows. Choose a page in the menu.
    </PageHeader>
  );
}
