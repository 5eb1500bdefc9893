/**
 * Parses YAML, in a thread of its own where it takes long. The file is also what that thread runs, so it imports only what Node
 * resolves there: packages and modules of Node.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { CORE_SCHEMA, load, Type, YAMLException } from 'js-yaml';

/** The value of a YAML text as JSON, or a sentence that says why the text cannot be read. */
export type ParsedYaml = { readonly json: string } | { readonly fault: string };

/** What a value may contain once its aliases are replaced. */
export interface YamlBounds {
  readonly depth: number;
  readonly values: number;
}

/** Characters that take about 10 ms. Calls must not wait for a longer text. */
const MAX_INLINE_LENGTH = 64 * 1024;
/** Memory of a thread in MiB. */
const MAX_MEMORY = 1_024;
const TOO_LARGE = 'The document is too large or too deep once its aliases are replaced.';

const MERGE_KEY = new Type('tag:yaml.org,2002:merge', { kind: 'scalar', resolve: (text) => text === '<<' });
/** Without dates and binary values, which are texts in JSON. */
const SCHEMA = CORE_SCHEMA.extend({ implicit: [MERGE_KEY] });

interface Job {
  readonly yaml: string;
  readonly bounds: YamlBounds;
}

let lastThread: Promise<unknown> = Promise.resolve();

/** Parses a YAML text. Long texts are parsed one after another, without blocking the event loop. */
export function parseYaml(yaml: string, bounds: YamlBounds): Promise<ParsedYaml> {
  if (yaml.length <= MAX_INLINE_LENGTH) return Promise.resolve(parse({ yaml, bounds }));
  const parsed = lastThread.then(() => parseInThread({ yaml, bounds }));
  lastThread = parsed.catch(() => undefined);
  return parsed;
}

function parseInThread(job: Job): Promise<ParsedYaml> {
  const resourceLimits = { maxOldGenerationSizeMb: MAX_MEMORY };
  const thread = new Worker(new URL(import.meta.url), { workerData: job, resourceLimits, execArgv: [] });
  return new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', (cause: NodeJS.ErrnoException) =>
      cause.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve({ fault: TOO_LARGE }) : reject(cause),
    );
    // A thread that ends without an error has sent its message before.
    thread.once('exit', () => reject(new Error('The thread that parses YAML ended without a result.')));
  });
}

function parse({ yaml, bounds }: Job): ParsedYaml {
  try {
    const value = load(yaml, { schema: SCHEMA, json: true });
    if (!isWithin(value, { ...bounds, counted: 0 }, bounds.depth)) return { fault: TOO_LARGE };
    return { json: JSON.stringify(value) ?? 'null' };
  } catch (cause) {
    // A text of more characters than V8 can hold.
    if (cause instanceof RangeError) return { fault: TOO_LARGE };
    if (!(cause instanceof YAMLException)) throw cause;
    const where = cause.mark ? ` at line ${cause.mark.line + 1}` : '';
    return { fault: `The document is neither JSON nor YAML: ${cause.reason}${where}.` };
  }
}

/** Aliases can refer to what contains them, and can multiply a value beyond any size. */
function isWithin(value: unknown, count: { counted: number; readonly values: number }, levels: number): boolean {
  count.counted += 1;
  if (count.counted > count.values || levels === 0) return false;
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every((each) => isWithin(each, count, levels - 1));
}

function isJob(value: unknown): value is Job {
  return typeof value === 'object' && value !== null && 'yaml' in value && 'bounds' in value;
}

if (!isMainThread && isJob(workerData)) parentPort?.postMessage(parse(workerData));
