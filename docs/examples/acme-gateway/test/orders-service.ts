import { Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export const ORDERS_PROTO = 'proto/orders.proto';

/** A real gRPC server on a free port, with one order. */
export interface OrdersService {
  readonly port: number;
  /** Ids that were cancelled, in order. */
  readonly cancelled: readonly string[];
  readonly tokens: readonly unknown[];
  close(): void;
}

interface FindRequest {
  readonly id: string;
}

/** Longer than the messages that gRPC receives by default. */
const LONG_NOTE = 'x'.repeat(5_000_000);

export async function startOrdersService(
  serverCredentials = ServerCredentials.createInsecure(),
): Promise<OrdersService> {
  const cancelled: string[] = [];
  const tokens: unknown[] = [];
  const server = new Server();
  const root = loadPackageDefinition(loadSync(ORDERS_PROTO, { keepCase: true })) as unknown as {
    readonly acme: { readonly orders: { readonly Orders: ServiceClientConstructor } };
  };
  server.addService(root.acme.orders.Orders.service, {
    Find: ({ request, metadata }: ServerUnaryCall<FindRequest, object>, answer: sendUnaryData<object>) => {
      tokens.push(metadata.get('authorization')[0]);
      if (request.id === 'never') return;
      if (request.id === 'busy') return answer({ code: status.RESOURCE_EXHAUSTED, details: 'too many orders today' });
      if (request.id === 'long') return answer(null, { id: 'long', state: 'open', items: 1, notes: [LONG_NOTE] });
      if (request.id !== '7') return answer({ code: status.NOT_FOUND, details: `no order ${request.id}` });
      answer(null, { id: '7', state: 'open', items: 2 });
    },
    Cancel: ({ request }: ServerUnaryCall<FindRequest, object>, answer: sendUnaryData<object>) => {
      cancelled.push(request.id);
      answer(null, { id: request.id, state: 'cancelled', items: 0 });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', serverCredentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { port, cancelled, tokens, close: () => server.forceShutdown() };
}
