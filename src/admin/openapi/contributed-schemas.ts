import { CommonServerEntry, type ServerKind } from '../../registry/index.js';
import { COMPONENTS, schemaOfClass, type Schemas } from './class-schemas.js';

/** The schemas of the entries of kinds that extensions connect: the members of all servers, and those of their classes. */
export function contributedSchemas(kinds: readonly ServerKind[]): Schemas {
  const { properties: common } = schemaOfClass(CommonServerEntry, COMPONENTS);
  return Object.fromEntries(
    kinds.map(({ name, entry }) => {
      const { properties, required = [], ...rest } = schemaOfClass(entry, COMPONENTS, `the kind "${name}"`);
      const all = { transport: { const: name }, ...common, ...properties };
      return [toSchemaName(name), { ...rest, type: 'object', properties: all, required: ['transport', ...required] }];
    }),
  );
}

/** The schema of the kind `acme-grpc` is named `ContributedAcmeGrpcEntry`. No class of the gateway has such a name. */
const toSchemaName = (kind: string): string =>
  `Contributed${kind.replaceAll(/(?:^|-)([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())}Entry`;
