import type { AddressedRequest, ClientAddresses } from './client-addresses.js';

/** A request as the audit log describes it. */
export interface RequestSource {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** IP address of the client. Undefined: the connection has none. */
  readonly address: string | undefined;
}

interface ReceivedRequest extends AddressedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

/** The source of a request that this worker received. Most requests need no address, so it is determined when it is read. */
export class ReceivedSource implements RequestSource {
  readonly method: string;
  readonly path: string;
  private determined: string | undefined;
  private isDetermined = false;

  constructor(
    private readonly request: ReceivedRequest,
    private readonly addresses: ClientAddresses,
  ) {
    this.method = request.method ?? '';
    this.path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  }

  get address(): string | undefined {
    if (!this.isDetermined) this.determined = this.addresses.of(this.request);
    this.isDetermined = true;
    return this.determined;
  }
}
