import { useEffect, useSyncExternalStore } from 'react';

/** The forms with unsaved changes. */
const dirtyForms = new Set<object>();
/** What waits for the confirmation to lose them. */
let pendingLeave: (() => void) | undefined;
const listeners = new Set<() => void>();

function setPendingLeave(leave: (() => void) | undefined): void {
  pendingLeave = leave;
  for (const listener of listeners) listener();
}

export const isBlocked = (): boolean => dirtyForms.size > 0;

/** Leaves at once, or asks first if unsaved changes would be lost. */
export function requestLeave(leave: () => void): void {
  if (isBlocked()) setPendingLeave(leave);
  else leave();
}

/** Declares that a form has unsaved changes. Closing the browser's tab is confirmed as well. */
export function useUnsavedChanges(isDirty: boolean): void {
  useEffect(() => {
    if (!isDirty) return undefined;
    const form = {};
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    dirtyForms.add(form);
    window.addEventListener('beforeunload', warn);
    return () => {
      dirtyForms.delete(form);
      window.removeEventListener('beforeunload', warn);
    };
  }, [isDirty]);
}

/** Declares that what was unsaved is saved, before the page is left by the act that has saved it. */
export function discardUnsavedChanges(): void {
  dirtyForms.clear();
}

interface LeaveRequest {
  readonly isOpen: boolean;
  readonly leave: () => void;
  readonly stay: () => void;
}

/** The question whether unsaved changes may be lost. */
export function useLeaveRequest(): LeaveRequest {
  const pending = useSyncExternalStore(subscribe, () => pendingLeave);
  return {
    isOpen: pending !== undefined,
    leave: () => {
      discardUnsavedChanges();
      setPendingLeave(undefined);
      pending?.();
    },
    stay: () => setPendingLeave(undefined),
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
