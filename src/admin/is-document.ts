import { ValidateBy } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { isJsonObject } from '#lib/mcp-protocol';

/** Validates a document that is an object or a text. */
export function IsDocument(): PropertyDecorator {
  const validate = (value: unknown): boolean => isJsonObject(value) || typeof value === 'string';
  const defaultMessage = (): string => 'document must be an object or a string';
  const decorators = [
    ValidateBy({ name: 'isDocument', validator: { validate, defaultMessage } }),
    JSONSchema(() => ({ oneOf: [{ type: 'object' }, { type: 'string' }] })) as PropertyDecorator,
  ];
  return (target, member) => decorators.forEach((decorate) => decorate(target, member));
}
