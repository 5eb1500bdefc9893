export { Permitted } from './Permitted.js';
export { SessionBoundary } from './SessionBoundary.js';
export { useLogout } from './session-queries.js';
export { usePermissions, useSession } from './session.js';
