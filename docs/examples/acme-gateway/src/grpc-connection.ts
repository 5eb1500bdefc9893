import { isIP, isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import {
  connectivityState,
  credentials,
  Metadata,
  status,
  type Client,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import {
  errorResult,
  structuredResult,
  ToolConnection,
  TransportFailure,
  UnknownTool,
  type AdaptedServer,
  type JsonObject,
  type ToolCallContext,
  type ToolDefinition,
} from 'isthmus/extension-kit';
import type { GrpcEntry } from './grpc-entry.js';
import { toInputSchema } from './message-schema.js';

type UnaryMethod = MethodDefinition<object, object, JsonObject, JsonObject>;

/** Where the service is, and whom to trust there. */
export interface GrpcEndpoint {
  readonly address: string;
  /** Certificates of authorities. Undefined: those that Node.js trusts. */
  readonly trusted: Buffer | undefined;
}

/** One gRPC channel to one service. */
export class GrpcConnection extends ToolConnection {
  private readonly client: Client;
  private readonly methods: ReadonlyMap<string, UnaryMethod>;
  private isClosed = false;

  constructor(
    private readonly server: AdaptedServer<GrpcEntry>,
    Service: ServiceClientConstructor,
    { address, trusted }: GrpcEndpoint,
  ) {
    super(server);
    const { host, port, tls = true } = server.entry;
    const channel = tls ? credentials.createSsl(trusted) : credentials.createInsecure();
    const target = isIPv6(address) ? `ipv6:[${address}]:${port}` : `ipv4:${address}:${port}`;
    this.client = new Service(target, channel, {
      'grpc.default_authority': isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`,
      // The channel knows only the address: without the name it would ask the service for the certificate of the address.
      ...(tls && isIP(host) === 0 && { 'grpc.ssl_target_name_override': host }),
      'grpc.enable_retries': 0,
    });
    const unary = Object.entries(Service.service).filter(([, { requestStream, responseStream }]) => {
      return !requestStream && !responseStream;
    });
    this.methods = new Map(unary as [string, UnaryMethod][]);
  }

  /** Rejects when the service does not accept a connection in time. */
  async ready(timeoutMs: number): Promise<void> {
    await promisify(this.client.waitForReady.bind(this.client))(Date.now() + timeoutMs);
  }

  /** Calls the listener once the connection is lost, and not when it is closed here. The channel would open another one by itself. */
  onEnd(listener: (reason: string) => void): void {
    const channel = this.client.getChannel();
    const end = (): void => {
      if (!this.isClosed) listener('the service has ended the connection');
    };
    if (channel.getConnectivityState(false) === connectivityState.READY)
      channel.watchConnectivityState(connectivityState.READY, Infinity, end);
    else end();
  }

  override async ping(): Promise<void> {
    await this.ready(this.server.timeouts.connectMs);
  }

  override async listTools(): Promise<readonly ToolDefinition[]> {
    return [...this.methods].map(([name, { requestType }]) => ({ name, inputSchema: toInputSchema(requestType) }));
  }

  override async callTool(name: string, args: JsonObject, { signal }: ToolCallContext): Promise<JsonObject> {
    const method = this.methods.get(name);
    if (method === undefined) throw new UnknownTool(name);
    try {
      return structuredResult(await this.call(method, args, signal));
    } catch (cause) {
      // A closed channel throws at once, without a status.
      if (!isServiceError(cause)) throw new TransportFailure(String(cause), { sent: false });
      return toResult(cause);
    }
  }

  override async close(): Promise<void> {
    this.isClosed = true;
    this.client.close();
  }

  private call(method: UnaryMethod, args: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const metadata = new Metadata();
    const { token } = this.server.entry;
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + this.server.timeouts.requestMs };
      const call = this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        args,
        metadata,
        options,
        (error, answer) => (error ? reject(error) : resolve(answer ?? {})),
      );
      signal.addEventListener('abort', () => call.cancel(), { once: true });
    });
  }
}

const isServiceError = (cause: unknown): cause is ServiceError => cause instanceof Error && 'code' in cause;

/** Statuses that gRPC makes up for a message that it does not send, or for an answer that it does not deliver. */
const UNSENT = /^Attempted to send message with a size larger than /;
const UNDELIVERED =
  /^(?:Received message (?:larger than max|that decompresses to a size larger than) |Bandwidth exhausted or memory limit)/;

/** What a status says about the call. The service answered it, unless the status is one that gRPC makes up itself. */
function toResult({ code, details }: ServiceError): JsonObject {
  // Arguments that do not fit the message are found before anything is sent.
  if (details.startsWith('Request message serialization failure')) return errorResult(`INVALID_ARGUMENT: ${details}`);
  if (code === status.RESOURCE_EXHAUSTED && UNSENT.test(details)) return errorResult(`INVALID_ARGUMENT: ${details}`);
  if (code === status.RESOURCE_EXHAUSTED && UNDELIVERED.test(details))
    throw new TransportFailure(details, { sent: true });
  switch (code) {
    case status.DEADLINE_EXCEEDED:
      throw new TransportFailure(details, { sent: true, timedOut: true });
    case status.UNAVAILABLE:
      // gRPC reports a channel that it could not establish in these words; anything else may have reached the service.
      throw new TransportFailure(details, { sent: !details.startsWith('No connection established') });
    case status.CANCELLED:
    case status.UNKNOWN:
    case status.INTERNAL:
    case status.DATA_LOSS:
      throw new TransportFailure(details, { sent: true });
    default:
      return errorResult(`${status[code] ?? code}: ${details}`);
  }
}
