export { AdminModule } from './admin.module.js';
export { AdminPermissions } from './admin-permissions.js';
export { RoleMissing } from './admin.errors.js';
export { JsonBodyPipe } from './json-body.pipe.js';
export { ProblemFilter } from './problem-filter.js';
export { toProblem } from './problem.js';
export { createValidation } from './request-validation.js';
