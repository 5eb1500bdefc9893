import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { compileGlobs, escapeSecretReferences, MAX_SCHEMAS_LENGTH, MAX_TOOLS } from '../../registry/index.js';
import { CircularSchemas } from './circular-schemas.js';
import type { Operation, Skipped } from './operation.js';
import { toToolName, toTool, type ImportedTool } from './operation-to-tool.js';
import { readOperations } from './operations.js';
import { readDocument, UnreadableDocument } from './read-document.js';
import { ImportFault, ReferenceResolver } from './reference-resolver.js';
import type { SchemaSource } from './schema-converter.js';
import { readSecuritySchemes, requiredSchemes, type SecurityScheme } from './security-schemes.js';
import { readServers, resolveBaseUrls, type BaseUrls } from './servers.js';

/** Maximum number of operations of a document, imported or not: each takes up to a few milliseconds. */
const MAX_OPERATIONS = 10_000;
/** Operations that are converted before other work gets its turn. */
const OPERATIONS_PER_TURN = 4;
/** Maximum length of an entry as JSON text, so that it can be sent to the admin API. */
const MAX_ENTRY_LENGTH = 24 * 1024 * 1024;

/** The tools made of the operations of a document. */
export interface ImportedOperations {
  /** Base URL of the API. Undefined when the document contains no complete URL. */
  readonly url: string | undefined;
  readonly title?: string;
  /** Entries of tools by name (docs/configuration.md). */
  readonly tools: JsonObject;
  /** What was not imported: operations, and parts of those that were. */
  readonly skipped: readonly Skipped[];
  /** The security schemes of the imported operations. */
  readonly security: readonly SecurityScheme[];
}

/**
 * Converts operations of an OpenAPI 3 or Swagger 2.0 document to tools.
 * @param given the document, or its text in JSON or YAML
 * @param selected patterns of operation ids or of `VERB /path`, in which `*` matches any run of characters
 * @param url base URL of the API, instead of the one in the document
 * @throws UnreadableDocument
 */
export async function importOpenApi(
  given: JsonObject | string,
  selected: readonly string[],
  url?: string,
): Promise<ImportedOperations> {
  const document = await readDocument(given);
  const run = new ImportRun(document, selected, url);
  await run.importAll();
  const { info } = document;
  const title = isJsonObject(info) ? info['title'] : undefined;
  return {
    url: run.urls?.base,
    ...(typeof title === 'string' &&
      title !== '' && { title: escapeSecretReferences(title).slice(0, 200).toWellFormed() }),
    tools: run.tools,
    skipped: run.skipped,
    security: run.security,
  };
}

/** One conversion of a document. */
class ImportRun {
  readonly tools: JsonObject = {};
  readonly skipped: Skipped[] = [];
  readonly urls: BaseUrls | undefined;
  private readonly source: SchemaSource;
  private readonly schemes: ReadonlyMap<string, SecurityScheme>;
  private readonly usedSchemes = new Set<string>();
  private schemasLength = 0;
  private entryLength = 0;

  constructor(
    private readonly document: JsonObject,
    private readonly selected: readonly string[],
    url: string | undefined,
  ) {
    const references = new ReferenceResolver(document);
    const { openapi } = document;
    const isOld = typeof openapi !== 'string' || openapi.startsWith('3.0');
    this.source = { references, circular: new CircularSchemas(references), isOld };
    this.schemes = readSecuritySchemes(document, references);
    this.urls = resolveBaseUrls(readServers(document), url);
  }

  get security(): readonly SecurityScheme[] {
    return [...this.usedSchemes].flatMap((name) => this.schemes.get(name) ?? []);
  }

  async importAll(): Promise<void> {
    const matches = compileGlobs(this.selected);
    const isSelected = (place: string, id: unknown): boolean =>
      matches(place) || (typeof id === 'string' && matches(id));
    const found = readOperations(this.document, this.source.references);
    if (found.length > MAX_OPERATIONS) {
      throw new UnreadableDocument(`The document has more than ${MAX_OPERATIONS} operations.`);
    }
    for (const [index, each] of found.entries()) {
      // Other work of the process must not wait for a whole document.
      if (index % OPERATIONS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if ('skipped' in each) {
        if (isSelected(each.skipped.operation, each.id)) this.skipped.push(each.skipped);
        continue;
      }
      const { verb, path, operation } = each.operation;
      if (isSelected(`${verb} ${path}`, operation['operationId'])) this.importOperation(each.operation);
    }
    this.reportWebhooks(isSelected);
  }

  private importOperation(operation: Operation): void {
    const place = `${operation.verb} ${operation.path}`;
    try {
      const imported = toTool(operation, this.source, this.urls?.resolve(operation.servers), [
        ...this.schemes.values(),
      ]);
      this.add(operation, imported);
      this.skipped.push(...imported.skipped.map((part) => ({ operation: place, ...part })));
    } catch (cause) {
      if (!(cause instanceof ImportFault)) throw cause;
      this.skipped.push({ operation: place, reason: cause.message });
    }
  }

  /** @throws ImportFault when the entry would be too large for a server */
  private add(operation: Operation, { tool }: ImportedTool): void {
    if (Object.keys(this.tools).length >= MAX_TOOLS) {
      throw new ImportFault(`a server has at most ${MAX_TOOLS} tools: import it into another one`);
    }
    const schemasLength = this.schemasLength + JSON.stringify(tool['inputSchema']).length;
    const entryLength = this.entryLength + JSON.stringify(tool).length;
    if (schemasLength > MAX_SCHEMAS_LENGTH || entryLength > MAX_ENTRY_LENGTH) {
      throw new ImportFault('the tools of the server would be too large together: import it into another one');
    }
    [this.schemasLength, this.entryLength] = [schemasLength, entryLength];
    this.tools[toUniqueName(toToolName(operation), this.tools)] = escapeSecretReferences(tool);
    for (const name of requiredSchemes(operation.operation, this.document)) this.usedSchemes.add(name);
  }

  private reportWebhooks(isSelected: (place: string, id: unknown) => boolean): void {
    const { webhooks } = this.document;
    for (const name of Object.keys(isJsonObject(webhooks) ? webhooks : {})) {
      const operation = `webhook ${name}`;
      if (isSelected(operation, name)) this.skipped.push({ operation, reason: 'the API sends it to its clients' });
    }
  }
}

function toUniqueName(name: string, taken: JsonObject): string {
  const base = name === '' ? 'operation' : name;
  let unique = base;
  for (let count = 2; Object.hasOwn(taken, unique); count += 1) unique = `${base.slice(0, 58)}_${count}`;
  return unique;
}
