import type { Client as V2 } from '@modelcontextprotocol/client';
import type { Client as V1 } from '@modelcontextprotocol/sdk/client/index.js';
import type { JsonObject, LogLevel } from '#lib/mcp-protocol';

export type ListName = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

export interface Progress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onprogress?: (progress: Progress) => void;
  readonly meta?: JsonObject;
}

export interface ToolAnswer {
  readonly content: readonly JsonObject[];
  readonly structuredContent?: JsonObject;
  readonly isError?: boolean;
}

/** One page of a list. */
export interface Page {
  readonly [member: string]: unknown;
  readonly nextCursor?: string | undefined;
}

/** The notifications to subscribe to. */
export interface WatchOptions {
  readonly lists?: boolean;
  readonly uri?: string;
}

export type CompletionReference = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };

/** The params of a question. */
type QuestionParams = { readonly [member: string]: unknown };

// Types instead of interfaces, because the SDKs require answers with an index signature.
type FormAnswer = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string> };
type ModelAnswer = { role: 'assistant'; model: string; content: { type: 'text'; text: string } };
type RootsAnswer = { roots: { uri: string }[] };

/** Answers to the questions of a server. */
export interface Answers {
  elicit(asked: QuestionParams): FormAnswer | Promise<FormAnswer>;
  sample(asked: QuestionParams): ModelAnswer | Promise<ModelAnswer>;
  listRoots(): RootsAnswer | Promise<RootsAnswer>;
}

/** Options of a connection. */
export interface ConnectOptions {
  readonly url: string;
  readonly token?: string;
  /** False for a client without capabilities for questions. */
  readonly answersQuestions?: boolean;
  /** Overrides of DEFAULT_ANSWERS. */
  readonly answers?: Partial<Answers>;
}

/** The result of a call that requires input: questions by key, and the state to send back. */
export interface InputRequired {
  readonly resultType: 'input_required';
  readonly inputRequests?: { readonly [key: string]: unknown };
  readonly requestState?: string;
}

interface Notified {
  readonly method: string;
  readonly params: JsonObject;
}

const REPEAT_AFTER_MS = 500;

/** Records notifications and waits for later ones. */
export class ReceivedNotifications {
  readonly notifications: Notified[] = [];
  private waiting: (() => void)[] = [];

  add(method: string, params: unknown): void {
    this.notifications.push({ method, params: (params ?? {}) as JsonObject });
    for (const wake of this.waiting.splice(0)) wake();
  }

  of(method: string): JsonObject[] {
    return this.notifications.filter((each) => each.method === method).map(({ params }) => params);
  }

  async until(method: string, count = 1): Promise<JsonObject[]> {
    while (this.of(method).length < count) await this.next();
    return this.of(method);
  }

  /**
   * Performs an action and waits for its notifications. Repeats the action after a while without them, because a
   * client's stream may open only after the first requests.
   */
  async untilReceivedAfter(deed: () => Promise<unknown>, ...methods: readonly string[]): Promise<JsonObject[]> {
    const before = methods.map((method) => this.of(method).length);
    const heardAll = () => methods.every((method, index) => this.of(method).length > before[index]!);
    while (!heardAll()) {
      await deed();
      const { promise: lapsed, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, REPEAT_AFTER_MS);
      const hearing = methods.map((method, index) => this.until(method, before[index]! + 1));
      await Promise.race([Promise.all(hearing), lapsed]);
      clearTimeout(timer);
    }
    return methods.map((method, index) => this.of(method)[before[index]!]!);
  }

  private next(): Promise<void> {
    return new Promise((wake) => this.waiting.push(wake));
  }
}

/** Common interface of both generations of the official client. */
export abstract class SdkClient {
  /** Notifications without a handler in the client. */
  readonly received = new ReceivedNotifications();

  constructor(private readonly both: V1 | V2) {
    both.fallbackNotificationHandler = ({ method, params }) => {
      this.received.add(method, params);
      return Promise.resolve();
    };
  }

  abstract readonly revision: string | undefined;
  /** Reads all pages of a list. */
  abstract list(name: ListName): Promise<JsonObject[]>;
  abstract call(name: string, args?: JsonObject, options?: CallOptions): Promise<ToolAnswer>;
  /** Reads one page of a list; without a cursor the first one. */
  abstract page(name: ListName, cursor?: string): Promise<Page>;
  /**
   * Subscribes to changes. Rejects when a resource cannot be watched. A client with a session receives list changes
   * without a subscription. Returns a function that ends the subscription.
   */
  abstract watch(watched: WatchOptions): Promise<() => Promise<void>>;
  /** Ends the session, if any, and closes the connection. */
  abstract close(): Promise<void>;

  get capabilities(): JsonObject {
    return { ...this.both.getServerCapabilities() } as JsonObject;
  }

  get serverName(): string | undefined {
    return this.both.getServerVersion()?.name;
  }

  get instructions(): string | undefined {
    return this.both.getInstructions();
  }

  async read(uri: string): Promise<JsonObject[]> {
    return (await this.both.readResource({ uri })).contents as JsonObject[];
  }

  async prompt(name: string, args: Record<string, string> = {}): Promise<JsonObject[]> {
    return (await this.both.getPrompt({ name, arguments: args })).messages as unknown as JsonObject[];
  }

  async complete(ref: CompletionReference, argument: { name: string; value: string }): Promise<string[]> {
    return (await this.both.complete({ ref, argument })).completion.values;
  }

  ping(): Promise<unknown> {
    return this.both.ping();
  }

  /** Rejects when the revision does not have this notification. */
  sendRootsListChanged(): Promise<void> {
    return this.both.sendRootsListChanged();
  }

  setLogLevel(level: LogLevel): Promise<unknown> {
    return this.both.setLoggingLevel(level);
  }
}

export const ALL_CAPABILITIES = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {} },
  roots: { listChanged: true },
};

const FORM = { name: 'Ada', word: 'yes', context: 'a walk', ok: 'true' };

/** Default answers of clients that answer questions. */
export const DEFAULT_ANSWERS: Answers = {
  elicit: ({ mode }) => (mode === 'url' ? { action: 'accept' } : { action: 'accept', content: FORM }),
  sample: () => ({ role: 'assistant', model: 'spec', content: { type: 'text', text: 'something nice' } }),
  listRoots: () => ({ roots: [{ uri: 'file:///srv' }] }),
};

/** Short delays for resuming a broken stream. */
export const RECONNECTION = {
  initialReconnectionDelay: 50,
  maxReconnectionDelay: 1_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 10,
};

export const headersFor = ({ token }: ConnectOptions): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** Reads pages until there is no next cursor. */
export async function readAllPages(ask: (cursor: string | undefined) => Promise<Page>): Promise<Page[]> {
  const pages: Page[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    pages.push(page);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}

export const textOf = (answer: ToolAnswer): unknown => answer.content[0]?.['text'];

export const callParams = (name: string, args: JsonObject = {}, { meta }: CallOptions = {}) => ({
  name,
  arguments: args,
  ...(meta && { _meta: meta }),
});

export const requestOptions = ({ signal, onprogress }: CallOptions = {}) => ({
  ...(signal && { signal }),
  ...(onprogress && { onprogress }),
});
