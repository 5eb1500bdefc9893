import type { CallRecord } from './call-record.js';
import { MethodContributionKind } from './contribution.js';

/** What each type of event describes. Events contain no arguments, results or tokens. */
export interface GatewayEventData {
  /** The configuration has a server of this slug that it did not have before, enabled or not. */
  readonly 'server.added': { readonly server: string };
  /** The configuration does not have the server of this slug any more, or has another one instead. */
  readonly 'server.removed': { readonly server: string };
  /** Consecutive health checks of a server have failed. */
  readonly 'server.down': {
    readonly server: string;
    /** Number of consecutive failed checks. */
    readonly failures: number;
    readonly reason: string;
    /** Error code of docs/errors.md. */
    readonly code?: number;
  };
  /** A server that was down answers again; `idle`: no process of it runs any more. */
  readonly 'server.recovered': {
    readonly server: string;
    readonly state: 'up' | 'idle';
    /** Milliseconds since the server was reported down. */
    readonly downMs: number;
  };
  /** A list of a server contained tools that were not known, or whose definitions differ from the last list. */
  readonly 'tools.changed': {
    readonly server: string;
    /** The server's own names of the tools that were not known. At most 100. */
    readonly added: readonly string[];
    /** The server's own names of the tools with other definitions. At most 100. */
    readonly changed: readonly string[];
  };
  /** A server changed the definition of an approved tool, which is withheld until an admin approves it again. */
  readonly 'tool.quarantined': { readonly server: string; readonly tool: string };
  /** A legacy client opened a session. */
  readonly 'session.opened': SessionEventData;
  /** A session ended. A session that moves to another worker does not end. */
  readonly 'session.ended': SessionEventData & {
    /** Milliseconds since the session was opened, at whichever worker. */
    readonly durationMs: number;
  };
  /** A request of a client was answered. The data is its record. */
  readonly 'call.ended': CallRecord;
  /** A caller of the admin API changed something, or tried to. Refused requests are no changes. */
  readonly 'admin.changed': {
    /** Issuer and subject of the caller. */
    readonly issuer: string;
    readonly subject: string;
    /** The HTTP request, such as `PUT` and `/admin/v1/servers/weather`, without its query. */
    readonly method: string;
    readonly path: string;
    readonly outcome: 'done' | 'failed';
    /** HTTP status of the response. */
    readonly status: number;
  };
  /** A limit refused a call of this caller for the first time within the window of the limit. */
  readonly 'limit.reached': {
    readonly limit: string;
    readonly server: string;
    /** Issuer and subject of the caller whose call was refused. */
    readonly principal: string;
  };
  /** A call waits for the decision of an admin (`/admin/v1/approvals`). */
  readonly 'approval.requested': {
    /** Id of the approval. */
    readonly approval: string;
    readonly server: string;
    /** Method of the call, and the server's own name of its item. Absent for a resource, whose URI may contain anything. */
    readonly method: string;
    readonly item?: string;
    /** Issuer and subject of the caller. */
    readonly principal: string;
    /** When the approval expires, in milliseconds since the Unix epoch. */
    readonly expiresAt: number;
  };
  /** `worker` cannot write audit records. Repeated every ten minutes while that is so. */
  readonly 'audit.sink_down': {
    /** `database`, or the URL of a stream. */
    readonly sink: string;
    /** Why the last attempt failed. */
    readonly reason: string;
    /** Id of the worker that reports it. */
    readonly worker: string;
  };
  /** `worker` can write audit records again. */
  readonly 'audit.sink_recovered': { readonly sink: string; readonly worker: string };
}

interface SessionEventData {
  /** Fingerprint of the session's id, as in the records of its calls. It grants no access. */
  readonly session: string;
  /** `default`, or the slug of the server or virtual server. */
  readonly endpoint: string;
  /** Issuer and subject of the caller that opened the session. */
  readonly principal: string;
}

export type GatewayEventType = keyof GatewayEventData;

const EVERY_TYPE: Readonly<Record<GatewayEventType, true>> = {
  'server.added': true,
  'server.removed': true,
  'server.down': true,
  'server.recovered': true,
  'tools.changed': true,
  'tool.quarantined': true,
  'session.opened': true,
  'session.ended': true,
  'call.ended': true,
  'admin.changed': true,
  'limit.reached': true,
  'approval.requested': true,
  'audit.sink_down': true,
  'audit.sink_recovered': true,
};

/** All types of events. */
export const GATEWAY_EVENT_TYPES = Object.keys(EVERY_TYPE) as readonly GatewayEventType[];

/** Something that happened to the gateway or its servers, which an operator or an extension may want to react to. */
export type GatewayEvent<T extends GatewayEventType = GatewayEventType> = {
  [K in T]: {
    readonly type: K;
    /** Milliseconds since the Unix epoch. */
    readonly at: number;
    /** Identifies what happened. Workers that notice the same give it the same text. */
    readonly occurrence: string;
    /** For how long a repetition of the same occurrence is not news, in milliseconds. */
    readonly quietMs: number;
    readonly data: GatewayEventData[K];
  };
}[T];

/** Reacts to an event. A returned promise is not awaited. */
export type GatewayEventListener<T extends GatewayEventType = GatewayEventType> = (
  event: GatewayEvent<T>,
) => void | Promise<void>;

export const GATEWAY_EVENT_LISTENERS = new MethodContributionKind<readonly GatewayEventType[]>('OnGatewayEvent');

/**
 * Marks a method of any provider, which then receives the events of these types that its own worker notices:
 * `@OnGatewayEvent('server.down', 'server.recovered')`. The event is frozen. What the method throws, and the rejection of the
 * promise that it returns, is logged with its name and affects nothing. While 1,000 of its promises are pending, it receives no
 * events; these are counted by the metric `isthmus_extension_drops_total`.
 */
export const OnGatewayEvent =
  <T extends GatewayEventType>(...types: readonly T[]) =>
  <Listener extends GatewayEventListener<T>>(
    target: object,
    name: string | symbol,
    method: TypedPropertyDescriptor<Listener>,
  ): void => {
    GATEWAY_EVENT_LISTENERS.mark(types)(target, name, method);
  };
