export { fetchKeySet, type FetchKeySet } from './fetch-key-set.js';
export { RotatingKeys } from './rotating-keys.js';
