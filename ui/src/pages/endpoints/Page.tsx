import { EntryPages } from '../../entries/index.js';
import { ENDPOINTS } from './endpoints.js';

export function Page() {
  return <EntryPages kind={ENDPOINTS} />;
}
