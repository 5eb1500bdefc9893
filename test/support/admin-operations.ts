import type { JsonObject } from '#lib/mcp-protocol';
import type { AdminClient } from './admin-client.js';
import type { WorkerAddress } from './roaming-client.js';

/** An operation of the admin API from its OpenAPI document. */
export interface AdminOperation {
  readonly verb: string;
  /** Path below `/admin/v1`, for example `/servers/{slug}`. */
  readonly path: string;
  readonly roles: readonly string[];
  readonly responses: JsonObject;
}

export interface OpenApi extends JsonObject {
  readonly paths: { readonly [path: string]: { readonly [verb: string]: JsonObject } };
  readonly components: { readonly schemas: JsonObject };
}

export const openApiOf = async (admin: AdminClient, gateway: WorkerAddress): Promise<OpenApi> =>
  (await admin.get(gateway, '/openapi.json')).json as OpenApi;

export function operationsIn({ paths }: OpenApi): readonly AdminOperation[] {
  return Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({
      verb: verb.toUpperCase(),
      path: path.replace('/admin/v1', ''),
      roles: operation['x-roles'] as string[],
      responses: operation['responses'] as JsonObject,
    })),
  );
}
