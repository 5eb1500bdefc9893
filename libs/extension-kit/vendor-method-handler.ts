import type { ClientProfile, Era, JsonObject } from '#lib/mcp-protocol';
import type { Caller } from './caller.js';
import { ContributionKind } from './contribution.js';

/** One request of a client with a method of a vendor. Frozen. */
export interface VendorRequest {
  /** The id that errors of the gateway report as `data.requestId`. */
  readonly requestId: string;
  readonly caller: Caller;
  /** `default`, or the slug of the server or virtual server at which the request arrived. */
  readonly endpoint: string;
  readonly client: ClientProfile & { readonly era: Era };
  readonly method: string;
  /** What the client sent. Nothing of it has been checked. */
  readonly params: JsonObject;
  /** Aborted when the client cancels the request, and when the deadline of the handler has passed. */
  readonly signal: AbortSignal;
}

/**
 * Answers one more MCP method, of clients of either era, at every endpoint that the caller may use: no server receives it, also
 * where `allowUnknownMethods` would pass it on. No policy and no limit applies to it.
 */
export abstract class VendorMethodHandler {
  /**
   * Returns the result for the client.
   *
   * @throws GatewayError for a refusal: the client receives its code and message. Anything else, a result that is no JSON object,
   * and an exceeded deadline are -32603 with the name of the handler.
   */
  abstract handle(request: VendorRequest): JsonObject | Promise<JsonObject>;
}

export interface HandledMethodOptions {
  /**
   * How long the handler may take, in milliseconds. A whole number from 1 to 2147483647. Default: the setting
   * ISTHMUS_EXTENSION_DEADLINE_MS.
   */
  readonly deadlineMs?: number;
}

export interface HandledMethod extends HandledMethodOptions {
  readonly method: string;
}

export const VENDOR_METHOD_HANDLERS = new ContributionKind<VendorMethodHandler, HandledMethod>(
  'HandlesMethod',
  VendorMethodHandler,
);

/**
 * Marks a `VendorMethodHandler`.
 *
 * @param method its prefix is a name of the vendor, such as `acme/quota`. Prefixes of the specification are reserved.
 */
export const HandlesMethod = (method: string, options: HandledMethodOptions = {}): ClassDecorator =>
  VENDOR_METHOD_HANDLERS.mark({ ...options, method });
