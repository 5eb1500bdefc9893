import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf } from './client.js';

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

export interface OpenApiDocument {
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** The document of this gateway, which also describes what its extensions add. */
export function useOpenApiDocument(): UseQueryResult<OpenApiDocument> {
  return useQuery({
    queryKey: ['openapi'],
    staleTime: Infinity,
    queryFn: async () => (await dataOf(api.GET('/admin/v1/openapi.json'))) as unknown as OpenApiDocument,
  });
}
