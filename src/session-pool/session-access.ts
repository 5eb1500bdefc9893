import type { Caller } from '#lib/extension-kit';
import { isUnknownNotification, type McpNotification } from '#lib/mcp-protocol';
import type { SessionStart } from './session-start.js';

/** The caller and the endpoint of a session. */
export interface SessionViewer {
  readonly caller: Caller;
  readonly start: SessionStart;
}

/** Decides what the caller of a session may receive from a server at this moment. `server` is a slug. */
export interface SessionAccess {
  showsServer(viewer: SessionViewer, server: string): boolean;
  /** True if messages that the gateway does not know pass between the server and the caller. */
  passesUnknownMethods(viewer: SessionViewer, server: string): boolean;
}

/** Of a session whose access nobody decides: only messages that the gateway knows are sent. */
export const ONLY_KNOWN_MESSAGES: SessionAccess = { showsServer: () => true, passesUnknownMethods: () => false };

/** True if the caller of a session may receive this notification of a server now. */
export function mayReceive(
  session: SessionViewer & { readonly access: SessionAccess },
  server: string,
  { method }: McpNotification,
): boolean {
  const { access } = session;
  const isHidden = isUnknownNotification(method) && !access.passesUnknownMethods(session, server);
  return !isHidden && access.showsServer(session, server);
}
