import { Injectable } from '@nestjs/common';
import type { ListMethod } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { untilAborted } from '../connections/index.js';
import { ItemGate, type ItemReference } from '../gate/index.js';
import { Items } from '../items/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { SILENT_SINK } from './call-delivery.js';
import type { Inbound } from './inbound.js';
import { collectPages, ListFetcher } from './lists/index.js';

/** Delay before the list of a server is read again for names that it did not contain. */
const RETRY_DELAY_MS = 5_000;

/**
 * Reads the list of a server before a call whose public name does not contain the name of its item: the client may have read
 * the list at another worker.
 */
@Injectable()
export class NameLoader {
  /** By server and list: the time before which the list is not read again. */
  private readonly retryAt = new WeakMap<ServerDefinition, Map<ListMethod, number>>();

  constructor(
    private readonly gate: ItemGate,
    private readonly items: Items,
    private readonly listFetcher: ListFetcher,
    private readonly clock: Clock,
  ) {}

  /** Returns undefined, at once, when the name is known or contains the name of its item, as almost every name does. */
  load(inbound: Inbound, reference: ItemReference, signal: AbortSignal): Promise<void> | undefined {
    const server = this.gate.findServerOfUnknownName(inbound.endpoint, reference);
    if (!server) return undefined;
    const method = reference.kind === 'tools' ? 'tools/list' : 'prompts/list';
    const retries = this.retryAt.get(server) ?? new Map<ListMethod, number>();
    const now = this.clock.monotonicNow();
    if (now < (retries.get(method) ?? 0)) return undefined;
    this.retryAt.set(server, retries.set(method, now + RETRY_DELAY_MS));
    return this.read(inbound, { server, method }, signal);
  }

  /** Never rejects: without the list, the call itself tells what is wrong with the server. */
  private async read(
    inbound: Inbound,
    { server, method }: { server: ServerDefinition; method: 'tools/list' | 'prompts/list' },
    signal: AbortSignal,
  ): Promise<void> {
    const deadline = new AbortController();
    const cancelTimeout = this.clock.after(server.timeouts.connectMs, () => deadline.abort());
    const wanted = AbortSignal.any([signal, deadline.signal]);
    const reading = collectPages({ server: server.slug, method }, (request) =>
      this.listFetcher.fetchPage(inbound, { server, request, silent: true }, SILENT_SINK, wanted),
    );
    const list = await untilAborted(reading, wanted)
      .catch(() => undefined)
      .finally(cancelTimeout);
    if (list === undefined || !('items' in list)) return;
    const kind = method === 'tools/list' ? 'tools' : 'prompts';
    if (list.isNew) this.items.observe(server, kind, list.items);
    const pages = list.pages.map((page) => this.items.toVisibleItems(server, kind, page));
    this.gate.publish(inbound.endpoint, server, method, pages);
  }
}
