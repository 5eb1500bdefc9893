import { CLIENTS } from './clients.js';
import type { Cell, Pairing } from './feature.js';
import { SERVERS } from './servers.js';
import type { EndpointKind, WorkersKind } from './workers.js';

/** A client, a server, and the endpoint between them. */
export interface Combination extends Pairing {
  readonly endpoint: EndpointKind;
}

export function listCombinations({ endpoints }: WorkersKind): Combination[] {
  return CLIENTS.flatMap((clientKind) =>
    SERVERS.flatMap((serverKind) => endpoints.map((endpoint) => ({ clientKind, serverKind, endpoint }))),
  );
}

/** The first half of a test's name; the feature is the second half. */
export function toTitle({ clientKind, serverKind, endpoint }: Combination, workers: WorkersKind): string {
  const at = endpoint === 'default' ? ' at the endpoint of all servers' : '';
  return `${clientKind.name} with ${serverKind.slug}${at} over ${workers.name}`;
}

export function toUrl({ clientKind, serverKind, endpoint }: Combination, base: string): string {
  return `${base}${endpoint === 'default' ? '' : `/servers/${serverKind.slug}`}/${clientKind.path}`;
}

export function toPublicNames({ serverKind: { slug }, endpoint }: Combination): Pick<Cell, 'name' | 'uri'> {
  if (endpoint === 'transparent') return { name: (own) => own, uri: (own) => own };
  return { name: (own) => `${slug}__${own}`, uri: (own) => `${slug}+${own}` };
}
