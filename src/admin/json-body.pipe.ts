import {
  BadRequestException,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { isJsonObject, JsonFault, MESSAGE_BOUNDS, parseJson } from '#lib/mcp-protocol';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Large enough for an import with the definitions of ten thousand tools. */
const MAX_BYTES = 32 * MIB;
const BOUNDS = {
  ...MESSAGE_BOUNDS,
  membersOfObject: 100_000,
  members: 1_000_000,
  values: 4_000_000,
  decimalDepth: Infinity,
};

/** A body that is read on demand, so that the bodies of unauthenticated requests are never buffered. */
export class UnreadBody {
  private reading: Promise<string | undefined> | undefined;

  constructor(
    private readonly headers: IncomingHttpHeaders,
    private readonly body: Readable,
  ) {}

  get contentType(): string | undefined {
    return this.headers['content-type'];
  }

  /** Undefined when the body is larger than `maxBytes`. @throws BadRequestException when it ends prematurely */
  text(maxBytes = MAX_BYTES): Promise<string | undefined> {
    // The body is not read then, so that a client that expects 100 Continue does not send it.
    if (Number(this.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve(undefined);
    return (this.reading ??= readText(this.body, maxBytes).catch(() => {
      throw new BadRequestException('The body ended before it was complete.');
    }));
  }
}

/** Returns undefined when the body is too large, and leaves the rest of it unread. */
async function readText(body: Readable, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // The iterator would otherwise destroy the connection, and with it the response.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json[ \t]*(?:;|$)/i;

/**
 * Parses JSON bodies after the guard has admitted the caller.
 * @throws UnsupportedMediaTypeException, PayloadTooLargeException, BadRequestException
 */
export class JsonBodyPipe implements PipeTransform {
  constructor(private readonly maxBytes = MAX_BYTES) {}

  async transform(value: unknown, { type }: ArgumentMetadata): Promise<unknown> {
    if (type !== 'body' || !(value instanceof UnreadBody)) return value;
    if (!JSON_TYPE.test(value.contentType ?? '')) {
      throw new UnsupportedMediaTypeException('Send the body as JSON, with content-type: application/json.');
    }
    const text = await value.text(this.maxBytes);
    if (text === undefined) throw new PayloadTooLargeException(`The body is larger than ${toSizeText(this.maxBytes)}.`);
    try {
      const body = parseJson(text, BOUNDS);
      if (isJsonObject(body)) return body;
      throw new BadRequestException('The body must be a JSON object.');
    } catch (cause) {
      if (cause instanceof JsonFault) throw new BadRequestException(`The body cannot be read. ${cause.message}`);
      throw cause;
    }
  }
}

const toSizeText = (bytes: number): string => (bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`);
