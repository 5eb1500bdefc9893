/** What the views of sessions, connections and calls have in common. */

/** One page of a list that is ordered by serial number. */
export interface ViewPage {
  /** The page starts after this serial number; 0 for the first page. */
  readonly after: number;
  readonly limit: number;
}

const MAX_LABEL_LENGTH = 200;

/** Truncates a text of the client, which may be as long as a message. */
export const truncateLabel = (text: string): string =>
  text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH)}…` : text;

/** Returns one page of the items, which are ordered by serial number. */
export function toPage<T extends { readonly serial: number }>(items: Iterable<T>, { after, limit }: ViewPage): T[] {
  const page: T[] = [];
  for (const item of items) {
    if (item.serial > after) page.push(item);
    if (page.length === limit) break;
  }
  return page;
}
