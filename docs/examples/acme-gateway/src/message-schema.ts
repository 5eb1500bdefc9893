import type { MessageTypeDefinition } from '@grpc/proto-loader';
import type { JsonObject } from 'isthmus/extension-kit';

/** A field as the loader of .proto files describes it. */
interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: string;
}

const NUMBERS = new Set(['TYPE_DOUBLE', 'TYPE_FLOAT']);
const INTEGERS = new Set(['TYPE_INT32', 'TYPE_UINT32', 'TYPE_SINT32', 'TYPE_FIXED32', 'TYPE_SFIXED32']);

/** JSON Schema of a message: what the arguments of the tool look like. */
export function toInputSchema(message: MessageTypeDefinition<object, object>): JsonObject {
  const { field } = message.type as { readonly field: readonly Field[] };
  return {
    type: 'object',
    properties: Object.fromEntries(field.map((each) => [each.name, toSchema(each)])),
    additionalProperties: false,
  };
}

function toSchema({ label, type }: Field): JsonObject {
  const single = toSingleSchema(type);
  return label === 'LABEL_REPEATED' ? { type: 'array', items: single } : single;
}

/** Numbers of 64 bits are texts in JSON, like names of enumerations. */
function toSingleSchema(type: string): JsonObject {
  if (type === 'TYPE_BOOL') return { type: 'boolean' };
  if (type === 'TYPE_MESSAGE') return { type: 'object' };
  if (INTEGERS.has(type)) return { type: 'integer' };
  return { type: NUMBERS.has(type) ? 'number' : 'string' };
}
