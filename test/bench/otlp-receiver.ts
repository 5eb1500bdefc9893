/** A receiver of traces over OTLP/HTTP. It counts what arrives and stores nothing. */
import { createServer } from 'node:http';
import { announcePort } from './announce.js';
import { serveOrders } from './orders.js';

let requests = 0;
let bytes = 0;

const server = createServer((request, response) => {
  requests += 1;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  // An empty body is an ExportTraceServiceResponse without faults.
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
});

serveOrders(async () => ({ requests, bytes }));
server.listen(0, '127.0.0.1', () => announcePort(server));
