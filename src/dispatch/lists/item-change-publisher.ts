import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LIST_CHANGES, LIST_FLAGS, LIST_MEMBERS } from '#lib/mcp-protocol';
import { Items } from '../../items/index.js';
import { ServerSubscriptions } from '../../subscriptions/index.js';

/** Publishes list changes to subscribers when an admin changed which items are shown, or how. */
@Injectable()
export class ItemChangePublisher implements OnApplicationShutdown {
  private readonly stop: () => void;

  constructor(items: Items, serverSubscriptions: ServerSubscriptions) {
    this.stop = items.onChange((server, kind) => {
      for (const flag of LIST_FLAGS) {
        if (LIST_CHANGES[flag].lists.some((method) => LIST_MEMBERS[method] === kind))
          serverSubscriptions.publishListChange(server, flag);
      }
    });
  }

  onApplicationShutdown(): void {
    this.stop();
  }
}
