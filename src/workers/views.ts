/** What is common to the views of what a worker holds, for those who look after the gateway. */

/** A part of a list in the order of its serial numbers. */
export interface ViewPage {
  /** What follows this number; 0 for the beginning. */
  readonly after: number;
  readonly limit: number;
}

const MAX_LABEL_LENGTH = 200;

/** What clients name themselves and what they ask for may be as long as a message. */
export const truncateLabel = (text: string): string =>
  text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH)}…` : text;

/** Items come in the order of their numbers. */
export function toPage<T extends { readonly serial: number }>(items: Iterable<T>, { after, limit }: ViewPage): T[] {
  const page: T[] = [];
  for (const item of items) {
    if (item.serial > after) page.push(item);
    if (page.length === limit) break;
  }
  return page;
}
