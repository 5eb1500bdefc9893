export { HttpChannel, isReservedHeader, type ChannelCredentials, type HttpRequest } from './http-channel.js';
export {
  firstHeaderValue,
  HttpExchange,
  type AnswerHeaders,
  type HttpReceiver,
  type StreamCursor,
} from './http-exchange.js';
export { HttpPools } from './http-pools.js';
export type { SseEvent } from './sse-parser.js';
