export { CursorTrail } from './next-cursor.js';
export { repairList, type RepairedList } from './repair-list.js';
