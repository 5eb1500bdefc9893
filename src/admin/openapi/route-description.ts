import type { Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ResponseSchemaName } from './response-schemas.js';

/** What a route is for, in a sentence, and what it answers with; without an answer it has no body. */
export interface RouteDescription {
  readonly summary: string;
  readonly response?: ResponseSchemaName;
  /** Of the answer, where it is not JSON. */
  readonly mediaType?: string;
}

/** Describes a route to readers of the OpenAPI document. */
export const DescribeRoute = Reflector.createDecorator<RouteDescription>();

/** What entries of the configuration are called, and the forms that they may have. */
export interface EntryClasses {
  readonly name: string;
  readonly classes: readonly Type[];
}

/** Says what the `entry` is in the bodies that a controller takes. */
export const DescribeEntries = Reflector.createDecorator<EntryClasses>();
