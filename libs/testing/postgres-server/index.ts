export { startPostgres, type RunningPostgres } from './postgres-server.js';
