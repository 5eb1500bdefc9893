import type { ConnectOptions, SdkClient } from '../support/sdk-client.js';
import type { ClientKind } from './clients.js';
import type { ServerKind } from './servers.js';
import type { EndpointKind } from './workers.js';

/** A client and a server. */
export interface Pairing {
  readonly clientKind: ClientKind;
  readonly serverKind: ServerKind;
}

/** One client, connected to one server through one endpoint. */
export interface Cell extends Pairing {
  readonly endpoint: EndpointKind;
  readonly client: SdkClient;
  /** The URL that the client connects to. */
  readonly url: string;
  /** The public name of a tool or prompt of the cell's server. */
  name(own: string): string;
  /** The public URI of a resource of the cell's server. */
  uri(own: string): string;
  /** One more client of the same kind at the same endpoint. */
  connect(order?: Partial<ConnectOptions>): Promise<SdkClient>;
}

export type Check = (cell: Cell) => Promise<void>;

/** A feature that works in every cell, independent of the number of workers, except where it has a limitation. */
export interface Feature {
  /** What a client does: a predicate whose subject is the client. */
  readonly name: string;
  readonly run: Check;
  readonly limitation?: (kinds: Pairing) => Limitation | undefined;
}

export interface Limitation {
  /** One or more sentences for the page: why the feature cannot work. */
  readonly reason: string;
  readonly run: Check;
}

export interface FeatureGroup {
  readonly title: string;
  readonly features: readonly Feature[];
}
