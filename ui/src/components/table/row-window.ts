import { useCallback, useSyncExternalStore } from 'react';

export const ROW_HEIGHT_PX = 44;
/** Rows beyond both ends of the visible part, so that fast scrolling shows no gap. */
const OVERSCAN = 12;

const nothing = (): void => undefined;

/** The rows that exist in the document: those that are visible in an element that scrolls, and some beyond both ends. */
export function useRowWindow(
  scroll: HTMLElement | null,
  count: number,
): { readonly first: number; readonly end: number } {
  const subscribe = useCallback(
    (changed: () => void) => {
      if (!scroll) return nothing;
      const observer = new ResizeObserver(changed);
      observer.observe(scroll);
      scroll.addEventListener('scroll', changed, { passive: true });
      return () => {
        observer.disconnect();
        scroll.removeEventListener('scroll', changed);
      };
    },
    [scroll],
  );
  const top = useSyncExternalStore(subscribe, () => Math.floor((scroll?.scrollTop ?? 0) / ROW_HEIGHT_PX));
  const visible = useSyncExternalStore(subscribe, () => Math.ceil((scroll?.clientHeight ?? 0) / ROW_HEIGHT_PX));
  const end = Math.min(count, top + visible + OVERSCAN);
  return { first: Math.max(0, Math.min(top, end) - OVERSCAN), end };
}

/** Scrolls as little as possible, so that a row is visible below the headings. */
export function scrollToRow(scroll: HTMLElement, index: number): void {
  const headings = scroll.querySelector('thead')?.offsetHeight ?? 0;
  const start = index * ROW_HEIGHT_PX;
  const end = start + ROW_HEIGHT_PX + headings;
  if (start < scroll.scrollTop) scroll.scrollTop = start;
  else if (end > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = end - scroll.clientHeight;
}
