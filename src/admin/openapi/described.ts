import type { Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { AnswerName } from './answer-schemas.js';

/** The summary of a route and the schema of its response. A route without a response schema has no response body. */
export interface RouteDescription {
  readonly summary: string;
  readonly answer?: AnswerName;
  /** Media type of the response. Default: application/json. */
  readonly mediaType?: string;
}

/** Describes a route in the OpenAPI document. */
export const Describes = Reflector.createDecorator<RouteDescription>();

/** The name of a kind of entries, and the classes that describe its possible shapes. */
export interface EntryForms {
  readonly name: string;
  readonly forms: readonly Type[];
}

/** Declares the type of the member `entry` in the request bodies of a controller. */
export const HoldsEntries = Reflector.createDecorator<EntryForms>();
