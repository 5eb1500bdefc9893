export { AdminPageModule } from './admin-page.module.js';
