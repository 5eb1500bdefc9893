import { CLIENTS } from './clients.js';
import type { Cell, Kinds } from './feature.js';
import { SERVERS } from './servers.js';
import type { EndpointKind, WorkersKind } from './workers.js';

/** Where a cell is tried: who speaks to whom, and through which endpoint. */
export interface Place extends Kinds {
  readonly endpoint: EndpointKind;
}

export function placesOf({ endpoints }: WorkersKind): Place[] {
  return CLIENTS.flatMap((clientKind) =>
    SERVERS.flatMap((serverKind) => endpoints.map((endpoint) => ({ clientKind, serverKind, endpoint }))),
  );
}

/** The first half of a test's name; the feature is the other one. */
export function titleOf({ clientKind, serverKind, endpoint }: Place, workers: WorkersKind): string {
  const among = endpoint === 'default' ? ' among other servers' : '';
  return `${clientKind.name} with ${serverKind.slug}${among} over ${workers.name}`;
}

export function urlAt({ clientKind, serverKind, endpoint }: Place, base: string): string {
  return `${base}${endpoint === 'default' ? '' : `/servers/${serverKind.slug}`}/${clientKind.path}`;
}

export function namesAt({ serverKind: { slug }, endpoint }: Place): Pick<Cell, 'name' | 'uri'> {
  if (endpoint === 'transparent') return { name: (own) => own, uri: (own) => own };
  return { name: (own) => `${slug}__${own}`, uri: (own) => `${slug}+${own}` };
}
