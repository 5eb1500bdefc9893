import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, ListFlag } from '#lib/mcp-protocol';

/** The client whose view of the lists is compared. A session's caller may change, so it is read at each use. */
export interface Viewer {
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** Id of the endpoint. */
  readonly endpoint: string;
}

/** What one viewer sees of the lists and resources behind an endpoint. */
export interface ListView {
  /** Resolves once the current content is recorded, as far as it can be read. */
  readonly ready: Promise<unknown>;
  /** True if the viewer's last content of a server's list is known. Always true if all or none of it is visible. */
  hasSnapshot(list: ListFlag, server: string): boolean;
  /**
   * Reads the list again, at the given servers or at all, and compares it with the last content. True if the viewer
   * sees a difference, or if that is unknown. Returns without a promise if everything is visible.
   */
  hasChanged(list: ListFlag, servers?: ReadonlySet<string>): boolean | Promise<boolean>;
  /** False once the viewer may not see the resource. @param uri the public URI */
  isResourceVisible(uri: string): boolean;
  close(): void;
}

/** Opens views of what callers see: not every change at a server is visible to every caller. */
export abstract class ListViews {
  abstract open(viewer: Viewer, lists: readonly ListFlag[]): ListView;
}

/** A view without restrictions, in which every change is visible. */
export const UNFILTERED_VIEW: ListView = {
  ready: Promise.resolve(),
  hasSnapshot: () => true,
  hasChanged: () => true,
  isResourceVisible: () => true,
  close: () => undefined,
};

/**
 * Delegates to the views that a higher module binds, because comparing lists requires fetching them. Until then every
 * change is visible.
 */
@Injectable()
export class DeferredListViews extends ListViews {
  private views: ListViews | undefined;

  /** Delegates to the given views from now on. */
  bind(views: ListViews): void {
    this.views = views;
  }

  override open(viewer: Viewer, lists: readonly ListFlag[]): ListView {
    return this.views?.open(viewer, lists) ?? UNFILTERED_VIEW;
  }
}
