import {
  BadRequestException,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { JsonFault, parseJson } from '#lib/mcp-protocol';

/** A body as it came. */
export class UnreadBody {
  constructor(
    readonly contentType: string | undefined,
    /** Undefined when it was too large. */
    readonly text: string | undefined,
  ) {}
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Reads JSON bodies, after the guard has let their sender in.
 * @throws UnsupportedMediaTypeException, PayloadTooLargeException, BadRequestException
 */
export class JsonBodyPipe implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    if (type !== 'body' || !(value instanceof UnreadBody)) return value;
    if (!JSON_TYPE.test(value.contentType ?? '')) {
      throw new UnsupportedMediaTypeException('Send the body as JSON, with content-type: application/json.');
    }
    if (value.text === undefined) throw new PayloadTooLargeException('The body is larger than 4 MiB.');
    try {
      return parseJson(value.text);
    } catch (cause) {
      if (cause instanceof JsonFault) throw new BadRequestException(`The body cannot be read. ${cause.message}`);
      throw cause;
    }
  }
}
