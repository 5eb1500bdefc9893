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

/** Everything that a feature may use of its request. Each era creates one for each request. */
export interface FeatureContext {
  readonly world: ReferenceWorld;
  /** Aborts when the client cancels or, in the modern era, disconnects. */
  readonly signal: AbortSignal;
  /** `_meta` of the request, including the reserved keys of the modern envelope. */
  readonly meta: Json;
  /** Headers of the HTTP request; empty over stdio. */
  readonly headers: { [name: string]: string };
  /** Declared by the client in the handshake (legacy) or in this request (modern). */
  readonly clientCapabilities: Json;
  /** Does nothing when the request has no progress token. */
  progress(progress: number, total: number, message?: string): Promise<void>;
  /** Sends the message only when the client's log level allows it. */
  log(level: LogLevel, data: unknown): Promise<void>;
  /**
   * Sends the questions to the client and resolves with an answer for every key. In the modern era the call ends here
   * and the retry runs the feature from its start, so code before an `ask` must be repeatable.
   */
  ask<K extends string>(questions: Record<K, Question>, options?: AskOptions): Promise<Record<K, Answer>>;
  /**
   * Requires that the user visits a URL before the call continues: error -32042 (legacy) or a URL question (modern).
   */
  requireVisit(visit: { id: string; url: string; message: string }): Promise<void>;
  /**
   * Closes the stream of this call, so that the client has to resume it. Does nothing where streams cannot be resumed.
   */
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
  /** Listed in the legacy era only; the modern one has no such member. */
  execution?: { taskSupport: 'forbidden' };
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
  /** The contents, or undefined when the URI does not match the template. */
  read(uri: string): ResourceContents | undefined;
}

/** A failure that becomes a JSON-RPC error. Both SDKs copy its code, message and data. */
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

/** A schema whose properties are all required. */
export function schemaOf(properties: { [name: string]: Schema } = {}): ObjectSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}
