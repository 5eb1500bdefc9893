import {
  BadRequestException,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import type { Readable } from 'node:stream';
import { JsonFault, parseJson } from '#lib/mcp-protocol';

/** An import with the definitions of ten thousand tools. */
const MOST_BYTES = 32 * 1024 * 1024;

/** A body that is read when somebody wants it: those of strangers are never kept. */
export class UnreadBody {
  private reading: Promise<string | undefined> | undefined;

  constructor(
    readonly contentType: string | undefined,
    private readonly body: Readable,
  ) {}

  /** Undefined when it is too large. @throws BadRequestException when it ends too soon */
  text(): Promise<string | undefined> {
    return (this.reading ??= textOf(this.body).catch(() => {
      throw new BadRequestException('The body ended before it was complete.');
    }));
  }
}

/** Undefined when it is too large; its rest is thrown away as it comes. */
async function textOf(body: Readable): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MOST_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= MOST_BYTES ? Buffer.concat(chunks).toString() : undefined;
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Reads JSON bodies, after the guard has let their sender in.
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
      return parseJson(text);
    } catch (cause) {
      if (cause instanceof JsonFault) throw new BadRequestException(`The body cannot be read. ${cause.message}`);
      throw cause;
    }
  }
}
