import {
  BadRequestException,
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { defer, from, lastValueFrom, type Observable } from 'rxjs';
import type { JsonValue } from '#lib/mcp-protocol';
import type { Caller } from '#lib/extension-kit';
import { findCaller } from '../request-caller.js';
import { UnreadBody } from '../json-body.pipe.js';
import { toProblem } from '../problem.js';
import { IdempotencyConflict } from './idempotency.errors.js';
import { toDigest, IdempotencyStore, type StoredResponse } from './idempotency-store.js';

type Request = FastifyRequest & { readonly body: unknown };

/** Printable characters, either bare or as a quoted structured field. */
const KEY = /^"?([\x21\x23-\x5b\x5d-\x7e]{1,255})"?$/;
const STORED_HEADERS = ['etag', 'location', 'cache-control'] as const;
const FIRST_SERVER_ERROR = 500;

/**
 * Executes a POST with an idempotency key once and replays its response to repeated requests
 * (draft-ietf-httpapi-idempotency-key-header).
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Idempotency');

  constructor(private readonly store: IdempotencyStore) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || key === undefined) return next.handle();
    return defer(() => from(this.runOnce(request, http.getResponse<FastifyReply>(), parseKey(key), next)));
  }

  private async runOnce(request: Request, reply: FastifyReply, key: string, next: CallHandler): Promise<unknown> {
    const caller = findCaller(request);
    const id = toDigest(caller?.key ?? '', request.url, key);
    const body = request.body instanceof UnreadBody ? ((await request.body.text()) ?? '') : '';
    const state = await this.store.acquire(
      id,
      toDigest(request.url, body, toRightsText(caller)),
      toDigest(caller?.key ?? ''),
    );
    if (state === 'new') return this.run(id, reply, next);
    if (typeof state === 'string') throw new IdempotencyConflict(state);
    void reply.headers({ ...state.headers, 'idempotency-replayed': 'true' });
    return state.body ?? undefined;
  }

  private async run(id: string, reply: FastifyReply, next: CallHandler): Promise<unknown> {
    let body: unknown;
    try {
      body = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (cause) {
      const isRefusal = (toProblem(cause)?.status ?? FIRST_SERVER_ERROR) < FIRST_SERVER_ERROR;
      await this.logFailure(isRefusal ? this.store.release(id) : this.store.markUnknown(id));
      throw cause;
    }
    await this.logFailure(this.store.complete(id, toStoredResponse(reply, body)));
    return body;
  }

  /** The request was executed already, so a failure to store its response must not fail it. */
  private async logFailure(storing: Promise<void>): Promise<void> {
    await storing.catch((cause: unknown) =>
      this.logger.warn(`Failed to store the response for an idempotency key: ${String(cause)}`),
    );
  }
}

/** Responses may contain secrets, so a response is replayed only to a token with the same rights. */
const toRightsText = (caller?: Caller): string =>
  JSON.stringify([caller?.roles, caller?.teams, caller?.scopes, caller?.servers, caller?.accessToken]);

function toStoredResponse(reply: FastifyReply, body: unknown): StoredResponse {
  const headers = STORED_HEADERS.flatMap((name) => {
    const value = reply.getHeader(name);
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return { headers: Object.fromEntries(headers), body: JSON.parse(JSON.stringify(body ?? null)) as JsonValue };
}

function parseKey(header: string | string[]): string {
  const [, key] = (typeof header === 'string' && KEY.exec(header)) || [];
  if (key === undefined)
    throw new BadRequestException('Idempotency-Key must be a single value of 1 to 255 printable characters.');
  return key;
}
