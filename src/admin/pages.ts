import { BadRequestException } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';

const INVALID_CURSOR = 'cursor must be the nextCursor of a previous page.';
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

/** The page of a list that a request selects: `?limit=50&cursor=…`. */
export class PageQuery {
  /** Maximum number of items of the page. */
  @Type(() => Number)
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_LIMIT)
  readonly limit: number = DEFAULT_LIMIT;

  /** `nextCursor` of the previous page. */
  @IsOptional()
  @Matches(/^[\w.-]{1,512}$/, { message: 'must be the nextCursor of a previous page' })
  readonly cursor?: string;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor of the next page. Absent on the last page. */
  readonly nextCursor?: string;
}

/** A page of resources of several workers, ordered by worker. */
export interface WorkerPage<T> extends Page<T & { readonly worker: string }> {
  /** Workers that did not reply. They may have further items. */
  readonly silentWorkers: readonly string[];
}

/** Queries one worker for the items after a serial number. Undefined: the worker is dead. Rejects when it does not reply. */
type QueryWorker<T> = (worker: string, page: { after: number; limit: number }) => Promise<readonly T[] | undefined>;

/** `worker.serial`: a worker id is base64url, which contains no dot. */
const WORKER_RESOURCE_ID = /^([\w-]{1,64})\.(\d{1,15})$/;

/** Parses the id of a resource at a worker. Undefined for any other text. */
export function parseWorkerResourceId(text: string): { readonly worker: string; readonly serial: number } | undefined {
  const [, worker, serial] = WORKER_RESOURCE_ID.exec(text) ?? [];
  return worker === undefined ? undefined : { worker, serial: Number(serial) };
}

export const toWorkerResourceId = (worker: string, serial: number): string => `${worker}.${serial}`;

/** Finds the resource of an id. Undefined when it does not exist. Rejects when `query` rejects. */
export async function findAtWorker<T extends { readonly serial: number }>(
  id: string,
  query: QueryWorker<T>,
): Promise<(T & { readonly worker: string }) | undefined> {
  const parsed = parseWorkerResourceId(id);
  if (!parsed) return undefined;
  const { worker, serial } = parsed;
  const [item] = (await query(worker, { after: serial - 1, limit: 1 })) ?? [];
  return item?.serial === serial ? { ...item, worker } : undefined;
}

/** Collects one page from the workers in turn. @throws BadRequestException for an invalid cursor */
export async function paginateWorkers<T extends { readonly serial: number }>(
  workers: readonly string[],
  { cursor, limit }: PageQuery,
  query: QueryWorker<T>,
): Promise<WorkerPage<T>> {
  const from = cursor === undefined ? undefined : parseWorkerResourceId(cursor);
  if (cursor !== undefined && !from) throw new BadRequestException(INVALID_CURSOR);
  const items: (T & { worker: string })[] = [];
  const silentWorkers: string[] = [];
  for (const worker of workers) {
    if (from && worker < from.worker) continue;
    const after = worker === from?.worker ? from.serial : 0;
    const reply = await query(worker, { after, limit: limit - items.length }).catch(() => undefined);
    if (!reply) silentWorkers.push(worker);
    for (const item of reply ?? []) items.push({ ...item, worker });
    const last = items.at(-1);
    if (last && items.length >= limit)
      return { items, silentWorkers, nextCursor: toWorkerResourceId(last.worker, last.serial) };
  }
  return { items, silentWorkers };
}

/**
 * Returns one page of a complete list in the order of the keys.
 * @throws BadRequestException for an invalid cursor
 */
export function paginate<T>(all: readonly T[], keyOf: (item: T) => string, { cursor, limit }: PageQuery): Page<T> {
  const after = cursor === undefined ? '' : readCursor(cursor);
  const following = all
    .filter((item) => keyOf(item) > after)
    .toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  const items = following.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(last && following.length > items.length && { nextCursor: toCursor(keyOf(last)) }) };
}

const toCursor = (key: string): string => Buffer.from(`after:${key}`).toString('base64url');

function readCursor(cursor: string): string {
  const [, key] = /^after:([\s\S]+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (key === undefined) throw new BadRequestException(INVALID_CURSOR);
  return key;
}
