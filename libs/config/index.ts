export { ConfigFault } from './config-fault.js';
export { ConfigModule, configProvider, LoadedConfig } from './config.module.js';
export { effectiveSettings, type EffectiveSetting } from './effective-settings.js';
export { Env, type ConfigClass } from './env.js';
export { loadConfig, type CombinationRules, type Variables } from './load-config.js';
export { DURATION_FORM, formatDuration, parseDuration } from './quantities.js';
export { settingsManual } from './settings-manual.js';
export { didYouMean } from './suggestion.js';
