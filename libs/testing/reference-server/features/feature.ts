import type { Json, ObjectSchema, Schema } from './schema.js';
import type { Answer, AskOptions, Question } from './question.js';
import type { ReferenceWorld } from './world.js';

/** One block of content in a tool result or a prompt message. */
export type Content =
  | { type: 'text'; text: string }
  | { type: 'image'; data: string; mimeType: string }
  | { type: 'audio'; data: string; mimeType: string }
  | { type: 'resource'; resource: ResourceContents }
  | { type: 'resource_link'; uri: string; name: string; description?: string; mimeType?: string };

export type ResourceContents =
  { uri: string; mimeType: string; text: string } | { uri: string; mimeType: string; blob: string };

export interface ToolResult {
  content: Content[];
  structuredContent?: Json;
  isError?: boolean;
  /** The SDK result types are open records; ours has to be one too. */
  [key: string]: unknown;
}

export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** All that a feature may use of the request it serves; each era makes one per request. */
export interface FeatureContext {
  readonly world: ReferenceWorld;
  /** Aborts when the client cancels (or, in the modern era, goes away). */
  readonly signal: AbortSignal;
  /** `_meta` of the request, the reserved keys of the modern envelope included. */
  readonly meta: Json;
  /** Headers of the HTTP request; empty over stdio. */
  readonly headers: { [name: string]: string };
  /** What the client declared: at the handshake (legacy) or in this request (modern). */
  readonly clientCapabilities: Json;
  /** Does nothing when the request carries no progress token. */
  progress(progress: number, total: number, message?: string): Promise<void>;
  /** Sends only what the client's level lets through. */
  log(level: LogLevel, data: unknown): Promise<void>;
  /**
   * Asks the client and resolves with an answer for every key. In the modern era the call ends here and the feature
   * runs again from its start when the answers are there, so nothing before an `ask` may have an effect that
   * cannot be repeated.
   */
  ask<K extends string>(questions: Record<K, Question>, options?: AskOptions): Promise<Record<K, Answer>>;
  /** Has the user open a URL before the call goes on: error -32042 (legacy) or a URL question (modern). */
  requireVisit(visit: { id: string; url: string; message: string }): Promise<void>;
  /** Closes the stream of this call so that the client has to resume; does nothing where streams cannot be resumed. */
  dropStream(): void;
}

export interface Tool {
  definition: {
    name: string;
    title?: string;
    description: string;
    inputSchema: ObjectSchema;
    outputSchema?: ObjectSchema;
    annotations?: { readOnlyHint?: boolean; destructiveHint?: boolean; idempotentHint?: boolean };
  };
  run(args: Json, context: FeatureContext): ToolResult | Promise<ToolResult>;
}

export interface Prompt {
  definition: {
    name: string;
    title?: string;
    description: string;
    arguments?: { name: string; description: string; required: boolean }[];
  };
  get(args: { [name: string]: string }, context: FeatureContext): PromptResult | Promise<PromptResult>;
}

export interface PromptResult {
  messages: { role: 'user' | 'assistant'; content: Content }[];
  [key: string]: unknown;
}

export interface Resource {
  definition: { uri: string; name: string; description: string; mimeType: string };
  read(context: FeatureContext): ResourceContents | Promise<ResourceContents>;
}

export interface ResourceTemplate {
  definition: { uriTemplate: string; name: string; description: string; mimeType: string };
  /** Contents when the URI fits the template, else undefined. */
  read(uri: string): ResourceContents | undefined;
}

/** A failure that becomes a JSON-RPC error; both SDKs take code, message and data from it. */
export class ProtocolFailure extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: Json,
  ) {
    super(message);
  }
}

export const INVALID_PARAMS = -32602;

export function textResult(text: string): ToolResult {
  return { content: [{ type: 'text', text }] };
}

/** A schema for tools whose arguments are all required and of one primitive type each. */
export function schemaOf(properties: { [name: string]: Schema } = {}): ObjectSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}
