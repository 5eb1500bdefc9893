export { LandingPageModule } from './landing-page.module.js';
