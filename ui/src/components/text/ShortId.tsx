const SHOWN_LENGTH = 8;

/** The beginning of a random id, enough to tell apart those on one page. The whole id is its title. */
export function ShortId({ id }: { readonly id: string }) {
  return <code title={id}>{id.slice(0, SHOWN_LENGTH)}</code>;
}
