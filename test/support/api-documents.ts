import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** Returns the text of a document of `test/fixtures/openapi`. */
export const documentText = (file: string): string =>
  brotliDecompressSync(readFileSync(new URL(`../fixtures/openapi/${file}.br`, import.meta.url))).toString();

/** What a document says of the request of one operation. */
export interface ExpectedRequest {
  readonly verb: string;
  /** Matches the path, with or without the path of the server. */
  readonly path: RegExp;
  /** Names of parameters that may be in the query, and of those that must be. */
  readonly query: ReadonlySet<string>;
  readonly requiredQuery: readonly string[];
  readonly requiredHeaders: readonly string[];
  /** Media types of the body. */
  readonly mediaTypes: readonly string[];
}

/** A document, read independently of the import. */
export class ApiDocument {
  private readonly document: JsonObject;

  constructor(file: string) {
    this.document = parse(documentText(file)) as JsonObject;
  }

  /** The requests of all operations in their order. */
  requests(): readonly ExpectedRequest[] {
    return Object.entries(this.document['paths'] as JsonObject).flatMap(([path, item]) =>
      Object.entries(item as JsonObject)
        .filter(([verb]) => /^(?:get|put|post|patch|delete|head)$/.test(verb))
        .map(([verb, operation]) => this.toRequest(path, verb, item as JsonObject, operation as JsonObject)),
    );
  }

  private toRequest(path: string, verb: string, item: JsonObject, operation: JsonObject): ExpectedRequest {
    const parameters = [...listOf(item['parameters']), ...listOf(operation['parameters'])].map((each) =>
      this.resolve(each),
    );
    const inPlace = (place: string) => parameters.filter((each) => each['in'] === place);
    const nameOf = (each: JsonObject): string => each['name'] as string;
    const isRequired = (each: JsonObject): boolean => each['required'] === true;
    const body = this.resolve(operation['requestBody'] ?? {})['content'];
    const consumes = listOf(operation['consumes'] ?? this.document['consumes']) as string[];
    return {
      verb: verb.toUpperCase(),
      path: new RegExp(
        `${path
          .replace(/#.*/, '')
          .split(/\{[^}]+\}/)
          .map(escapePattern)
          .join('[^/]+')}$`,
      ),
      query: new Set(inPlace('query').map(nameOf)),
      requiredQuery: inPlace('query').filter(isRequired).map(nameOf),
      requiredHeaders: inPlace('header')
        .filter(isRequired)
        .map((each) => nameOf(each).toLowerCase()),
      mediaTypes: isJsonObject(body) ? Object.keys(body) : consumes,
    };
  }

  private resolve(value: JsonValue): JsonObject {
    let current = value as JsonObject;
    while (typeof current['$ref'] === 'string') {
      const names = current['$ref'].slice(2).split('/');
      current = names.reduce<JsonValue | undefined>(
        (target, name) => (target as JsonObject)[name.replaceAll('~1', '/').replaceAll('~0', '~')],
        this.document,
      ) as JsonObject;
    }
    return current;
  }
}

const listOf = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
const escapePattern = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
