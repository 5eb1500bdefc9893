export { ListFilters } from './list-filters.js';
