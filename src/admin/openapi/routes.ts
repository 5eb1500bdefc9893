import { RequestMethod, type Type } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { MetadataScanner, Reflector } from '@nestjs/core';
import { RequireRoles } from '../admin-guard.js';
import type { AdminRole } from '../admin-role.js';
import { DescribeRoute, DescribeEntries, type EntryClasses, type RouteDescription } from './route-description.js';

/** A route as declared by its controller. */
export interface AdminRoute {
  readonly verb: 'get' | 'post' | 'put' | 'delete';
  /** `/admin/v1/servers/:slug` */
  readonly path: string;
  /** The path in the OpenAPI document: `/admin/v1/servers/{slug}` */
  readonly documentedPath: string;
  readonly status: number;
  readonly roles: readonly AdminRole[];
  readonly description: RouteDescription | undefined;
  readonly body: Type | undefined;
  readonly entries: EntryClasses | undefined;
  readonly query: Type | undefined;
  /** Names of the request headers that the route reads. */
  readonly headers: readonly string[];
}

type Handler = (...args: never[]) => unknown;
interface Argument {
  readonly index: number;
  readonly data?: unknown;
}

const VERBS: Partial<Record<RequestMethod, AdminRoute['verb']>> = {
  [RequestMethod.GET]: 'get',
  [RequestMethod.POST]: 'post',
  [RequestMethod.PUT]: 'put',
  [RequestMethod.DELETE]: 'delete',
};

/** Returns all routes of these controllers, including those of base classes. */
export function listRoutes(controllers: readonly Type[]): readonly AdminRoute[] {
  const scanner = new MetadataScanner();
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as Record<string, Handler>;
    return scanner.getAllMethodNames(prototype).flatMap((name) => readRoute(controller, name, prototype[name]) ?? []);
  });
}

function readRoute(controller: Type, name: string, handler: Handler | undefined): AdminRoute | undefined {
  const verb = handler && VERBS[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod];
  if (!handler || !verb) return undefined;
  const reflector = new Reflector();
  const [prefix, own] = [controller, handler].map((target) => Reflect.getMetadata(PATH_METADATA, target) as string);
  const code = Reflect.getMetadata(HTTP_CODE_METADATA, handler) as number | undefined;
  const path = `/${prefix}/${own}`.replace(/\/+$/, '');
  return {
    verb,
    path,
    documentedPath: path.replaceAll(/:(\w+)/g, '{$1}'),
    status: code ?? (verb === 'post' ? 201 : 200),
    roles: reflector.get(RequireRoles, handler) ?? [],
    description: reflector.get(DescribeRoute, handler),
    entries: reflector.get(DescribeEntries, controller),
    ...readArguments(controller, name),
  };
}

function readArguments(controller: Type, name: string): Pick<AdminRoute, 'body' | 'query' | 'headers'> {
  const all = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Record<string, Argument>;
  const types = (Reflect.getMetadata('design:paramtypes', controller.prototype as object, name) ?? []) as Type[];
  const of = (kind: RouteParamtypes) =>
    Object.entries(all).flatMap(([key, argument]) => (key.startsWith(`${kind}:`) ? [argument] : []));
  const typeOf = (kind: RouteParamtypes) => of(kind).map(({ index }) => types[index])[0];
  return {
    body: typeOf(RouteParamtypes.BODY),
    query: typeOf(RouteParamtypes.QUERY),
    headers: of(RouteParamtypes.HEADERS).map(({ data }) => String(data)),
  };
}
