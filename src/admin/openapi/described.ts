import { Reflector } from '@nestjs/core';
import type { AnswerName } from './answer-schemas.js';

/** What a route is for, in a sentence, and what it answers with; without an answer it has no body. */
export interface RouteDescription {
  readonly summary: string;
  readonly answer?: AnswerName;
  /** Of the answer, where it is not JSON. */
  readonly mediaType?: string;
}

/** Describes a route to readers of the OpenAPI document. */
export const Describes = Reflector.createDecorator<RouteDescription>();
