/** A schema that cannot be used. The message continues a sentence whose subject is the schema. */
export class SchemaFault extends Error {
  override readonly name = 'SchemaFault';
}
