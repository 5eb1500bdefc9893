export { KnownPages, useMayOpen } from './known-pages.js';
export { navigate, ROUTER_OPTIONS, useQueryParameter } from './location.js';
export { discardUnsavedChanges, useLeaveRequest, useUnsavedChanges } from './unsaved-changes.js';
