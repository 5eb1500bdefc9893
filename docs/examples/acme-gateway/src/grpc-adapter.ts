import { readFile } from 'node:fs/promises';
import { loadPackageDefinition, type GrpcObject, type ServiceClientConstructor } from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';
import {
  ConnectsUpstream,
  UpstreamAdapter,
  type AdaptedServer,
  type AdapterConnection,
  type ConnectAttempt,
} from 'isthmus/extension-kit';
import { GrpcConnection } from './grpc-connection.js';
import { GrpcEntry } from './grpc-entry.js';

/** Offers the unary methods of a gRPC service as tools. */
@ConnectsUpstream('grpc', { entry: GrpcEntry })
export class GrpcAdapter extends UpstreamAdapter<GrpcEntry> {
  override async connect(server: AdaptedServer<GrpcEntry>, attempt: ConnectAttempt): Promise<AdapterConnection> {
    const { host, proto, service, authorities } = server.entry;
    const definitions = await load(proto, { keepCase: true, longs: String, enums: String, defaults: true });
    const Service = findService(loadPackageDefinition(definitions), service);
    if (Service === undefined) throw new Error(`${service} is no service of the .proto file.`);
    // The gateway refuses addresses that an administrator must not reach, so connect to the address that it returned.
    const address = await attempt.resolveAddress(host);
    const trusted = authorities === undefined ? undefined : await readFile(authorities);
    const connection = new GrpcConnection(server, Service, { address, trusted });
    try {
      await connection.ready(server.timeouts.connectMs);
      connection.onEnd((reason) => attempt.events.closed(reason));
      return connection;
    } catch (cause) {
      await connection.close();
      throw cause;
    }
  }
}

function findService(root: GrpcObject, name: string): ServiceClientConstructor | undefined {
  const found = name.split('.').reduce<unknown>((value, step) => (value as GrpcObject | undefined)?.[step], root);
  return typeof found === 'function' ? (found as ServiceClientConstructor) : undefined;
}
