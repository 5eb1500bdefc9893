import {
  BadRequestException,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import type { Readable } from 'node:stream';
import { isJsonObject, JsonFault, parseJson } from '#lib/mcp-protocol';

/** Large enough for an import with the definitions of ten thousand tools. */
const MAX_BYTES = 32 * 1024 * 1024;

/** A body that is read on demand, so that the bodies of unauthenticated requests are never buffered. */
export class UnreadBody {
  private reading: Promise<string | undefined> | undefined;

  constructor(
    readonly contentType: string | undefined,
    private readonly body: Readable,
  ) {}

  /** Undefined when the body is too large. @throws BadRequestException when it ends prematurely */
  text(): Promise<string | undefined> {
    return (this.reading ??= readText(this.body).catch(() => {
      throw new BadRequestException('The body ended before it was complete.');
    }));
  }
}

/** Returns undefined when the body is too large, and discards the rest of it. */
async function readText(body: Readable): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= MAX_BYTES ? Buffer.concat(chunks).toString() : undefined;
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Parses JSON bodies after the guard has admitted the caller.
 * @throws UnsupportedMediaTypeException, PayloadTooLargeException, BadRequestException
 */
export class JsonBodyPipe implements PipeTransform {
  async transform(value: unknown, { type }: ArgumentMetadata): Promise<unknown> {
    if (type !== 'body' || !(value instanceof UnreadBody)) return value;
    if (!JSON_TYPE.test(value.contentType ?? '')) {
      throw new UnsupportedMediaTypeException('Send the body as JSON, with content-type: application/json.');
    }
    const text = await value.text();
    if (text === undefined) throw new PayloadTooLargeException('The body is larger than 32 MiB.');
    try {
      const body = parseJson(text);
      if (isJsonObject(body)) return body;
      throw new BadRequestException('The body must be a JSON object.');
    } catch (cause) {
      if (cause instanceof JsonFault) throw new BadRequestException(`The body is not valid JSON. ${cause.message}`);
      throw cause;
    }
  }
}
