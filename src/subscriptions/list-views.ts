import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, ListFlag } from '#lib/mcp-protocol';

/** Whose lists they are. */
export interface Viewer {
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** Id of the endpoint. */
  readonly endpoint: string;
}

/** What one viewer sees of what is behind an endpoint. */
export interface ListView {
  /** Resolves once it is known what the viewer sees now, as far as that can be known. */
  readonly ready: Promise<unknown>;
  /** True when it is known what the viewer saw last of a server's list. Always, where all or nothing is shown. */
  hasSnapshot(list: ListFlag, server: string): boolean;
  /**
   * Looks at the list again, at these servers or, without any, at all. True when the viewer sees something else than
   * before, and when that cannot be told. At once, where all is shown.
   */
  hasChanged(list: ListFlag, servers?: ReadonlySet<string>): boolean | Promise<boolean>;
  /** False once a resource, by its public URI, is kept from the viewer. */
  isResourceVisible(uri: string): boolean;
  close(): void;
}

/** Knows what callers see: not every change at a server is one for everybody. */
export abstract class ListViews {
  abstract open(viewer: Viewer, lists: readonly ListFlag[]): ListView;
}

/** Every change shows. */
export const UNFILTERED_VIEW: ListView = {
  ready: Promise.resolve(),
  hasSnapshot: () => true,
  hasChanged: () => true,
  isResourceVisible: () => true,
  close: () => undefined,
};

/** Where who knows it takes its place: it asks for lists, which is done above this module. Until then every change shows. */
@Injectable()
export class DeferredListViews extends ListViews {
  private views: ListViews | undefined;

  /** From now on this one knows. */
  bind(views: ListViews): void {
    this.views = views;
  }

  override open(viewer: Viewer, lists: readonly ListFlag[]): ListView {
    return this.views?.open(viewer, lists) ?? UNFILTERED_VIEW;
  }
}
