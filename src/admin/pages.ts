import { BadRequestException } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';

const DEFAULT_LIMIT = 50;
const MOST_ITEMS = 200;

/** `?limit=50&cursor=…`: which part of a list is wanted. */
export class PageQuery {
  /** Items of one page. */
  @Type(() => Number)
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_ITEMS)
  readonly limit: number = DEFAULT_LIMIT;

  /** `nextCursor` of the page before. */
  @IsOptional()
  @Matches(/^[\w.-]{1,512}$/)
  readonly cursor?: string;
}

/** One part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Brings the next part. Absent: there is none. */
  readonly nextCursor?: string;
}

/** A part of what lives at several workers, one worker after the other. */
export interface WorkerPage<T> extends Page<T & { readonly worker: string }> {
  /** Workers that did not answer: they may have more. */
  readonly silentWorkers: readonly string[];
}

/** Asks one worker for what follows a number. Undefined: it is gone. Rejects when it does not answer. */
type QueryWorker<T> = (worker: string, page: { after: number; limit: number }) => Promise<readonly T[] | undefined>;

/** `worker.number`: a worker's name is base64url, which has no dot. */
const PLACED = /^([\w-]{1,64})\.(\d{1,15})$/;

/** What names one thing at one worker. Undefined for any other text. */
export function parseWorkerResourceId(text: string): { readonly worker: string; readonly serial: number } | undefined {
  const [, worker, serial] = PLACED.exec(text) ?? [];
  return worker === undefined ? undefined : { worker, serial: Number(serial) };
}

export const toWorkerResourceId = (worker: string, serial: number): string => `${worker}.${serial}`;

/** What such a name stands for, if it is still there. Rejects as `ask` does. */
export async function findAtWorker<T extends { readonly serial: number }>(
  name: string,
  ask: QueryWorker<T>,
): Promise<(T & { readonly worker: string }) | undefined> {
  const placed = parseWorkerResourceId(name);
  if (!placed) return undefined;
  const { worker, serial } = placed;
  const [item] = (await ask(worker, { after: serial - 1, limit: 1 })) ?? [];
  return item?.serial === serial ? { ...item, worker } : undefined;
}

/** @throws BadRequestException for a cursor that is none of ours */
export async function paginateWorkers<T extends { readonly serial: number }>(
  workers: readonly string[],
  { cursor, limit }: PageQuery,
  ask: QueryWorker<T>,
): Promise<WorkerPage<T>> {
  const from = cursor === undefined ? undefined : parseWorkerResourceId(cursor);
  if (cursor !== undefined && !from) throw new BadRequestException('cursor must be the nextCursor of a page before.');
  const items: (T & { worker: string })[] = [];
  const silentWorkers: string[] = [];
  for (const worker of workers) {
    if (from && worker < from.worker) continue;
    const after = worker === from?.worker ? from.serial : 0;
    const answer = await ask(worker, { after, limit: limit - items.length }).catch(() => undefined);
    if (!answer) silentWorkers.push(worker);
    for (const item of answer ?? []) items.push({ ...item, worker });
    const last = items.at(-1);
    if (last && items.length >= limit)
      return { items, silentWorkers, nextCursor: toWorkerResourceId(last.worker, last.serial) };
  }
  return { items, silentWorkers };
}

/**
 * The part of a whole list that is wanted, in the order of the keys.
 * @throws BadRequestException for a cursor that is none of ours
 */
export function paginate<T>(all: readonly T[], keyOf: (item: T) => string, { cursor, limit }: PageQuery): Page<T> {
  const after = cursor === undefined ? '' : readCursor(cursor);
  const following = all
    .filter((item) => keyOf(item) > after)
    .toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  const items = following.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(last && following.length > items.length && { nextCursor: cursorAfter(keyOf(last)) }) };
}

const cursorAfter = (key: string): string => Buffer.from(`after:${key}`).toString('base64url');

function readCursor(cursor: string): string {
  const [, key] = /^after:([\s\S]+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (key === undefined) throw new BadRequestException('cursor must be the nextCursor of a page before.');
  return key;
}
