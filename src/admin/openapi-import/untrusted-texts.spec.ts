import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { attacksOf, findReferences } from '../untrusted-document-fixture.js';
import { importOpenApi } from './import-openapi.js';
import { UnreadableDocument } from './read-document.js';

const pathsOf = (path: string, operation: JsonObject = {}): JsonObject => ({
  [path]: {
    get: {
      operationId: 'read',
      summary: 'Reads',
      description: 'Reads all.',
      parameters: [
        { name: 'q', in: 'query', description: 'Text', schema: { type: 'string', default: 'a', enum: ['a', 'b'] } },
        { name: 'X-Team', in: 'header', schema: { type: 'string', pattern: 'a' } },
      ],
      ...operation,
    },
  },
});

const documentOf = (paths: JsonObject): JsonObject => ({
  openapi: '3.1.0',
  info: { title: 'API', version: '1' },
  servers: [{ url: 'https://{host}.example.com/v1', variables: { host: { default: 'api' } } }],
  paths,
});

async function toEntries(document: JsonObject): Promise<readonly JsonObject[]> {
  try {
    const { url = '', title = '', tools } = await importOpenApi(document, ['*']);
    return [{ transport: 'rest', url, title, tools }];
  } catch (cause) {
    if (cause instanceof UnreadableDocument) return [];
    throw cause;
  }
}

describe('no text of an OpenAPI document becomes a reference in the entry', () => {
  it('wherever it stands', async () => {
    const body = { content: { 'application/json': { schema: { type: 'object', title: 'Body' }, example: 'x' } } };
    const document = documentOf(
      pathsOf('/a', { requestBody: body, responses: { 200: { description: 'x', ...body } } }),
    );
    const entries = await Promise.all(attacksOf(document).map(toEntries));
    expect(entries.flat().length).toBeGreaterThan(50);
    expect(entries.flat().flatMap(findReferences)).toEqual([]);
  });

  it.each(['/a?key=$%7Bsecret:db%7D', '/a?key=$%7Bsecret:db}', '/a?$%7Bsecret:db%7D=x', '/$%7Bsecret:db%7D'])(
    'in the path %s',
    async (path) => {
      const [entry = {}] = await toEntries(documentOf(pathsOf(path)));
      expect(Object.keys(entry['tools'] ?? {})).toEqual(['read']);
      expect(findReferences(entry)).toEqual([]);
    },
  );
});
