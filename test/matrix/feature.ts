import type { ConnectOptions, SdkClient } from '../support/sdk-client.js';
import type { ClientKind } from './clients.js';
import type { ServerKind } from './servers.js';
import type { EndpointKind } from './workers.js';

/** Who speaks to whom. */
export interface Kinds {
  readonly clientKind: ClientKind;
  readonly serverKind: ServerKind;
}

/** One client, connected to one server through one endpoint. */
export interface Cell extends Kinds {
  readonly endpoint: EndpointKind;
  readonly client: SdkClient;
  /** The URL that the client was given. */
  readonly url: string;
  /** The public name of a tool or prompt of the cell's server. */
  name(own: string): string;
  /** The public URI of a resource of the cell's server. */
  uri(own: string): string;
  /** One more client of the same kind at the same endpoint. */
  connect(order?: Partial<ConnectOptions>): Promise<SdkClient>;
}

export type Judge = (cell: Cell) => Promise<void>;

/** What should work in every cell, however many workers there are; or why it cannot in some, and how that shows. */
export interface Feature {
  /** What a client does; the sentence begins with its name. */
  readonly name: string;
  readonly run: Judge;
  readonly instead?: (kinds: Kinds) => Instead | undefined;
}

export interface Instead {
  /** A sentence, or several. */
  readonly why: string;
  readonly run: Judge;
}

export interface FeatureGroup {
  readonly title: string;
  readonly features: readonly Feature[];
}
