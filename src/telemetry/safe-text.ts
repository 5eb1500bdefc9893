import { truncateLabel } from '../workers/index.js';

/** A URI without the parts that may contain secrets: user information, query and fragment. */
export function toSafeUri(uri: string): string {
  const path = uri.split(/[?#]/, 1)[0] ?? '';
  return truncateLabel(path.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/]*@/i, '$1'));
}
