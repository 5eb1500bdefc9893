import type { Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ResponseSchemaName } from './response-schemas.js';

/** The summary of a route and the schema of its response. A route without a response schema has no response body. */
export interface RouteDescription {
  readonly summary: string;
  readonly response?: ResponseSchemaName;
  /** Media type of the response. Default: application/json. */
  readonly mediaType?: string;
}

/** Describes a route in the OpenAPI document. */
export const DescribeRoute = Reflector.createDecorator<RouteDescription>();

/** The name of a kind of entries, and the classes that describe its possible shapes. */
export interface EntryClasses {
  readonly name: string;
  readonly classes: readonly Pick<Type, 'name'>[];
  /** Servers: kinds that extensions connect have entries of their own. */
  readonly includesContributed?: boolean;
}

/** Declares the type of the member `entry` in the request bodies of a controller. */
export const DescribeEntries = Reflector.createDecorator<EntryClasses>();
