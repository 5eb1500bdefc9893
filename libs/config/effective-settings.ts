import { settingsOf, type SettingKind } from './env.js';
import type { LoadedConfig } from './config.module.js';
import { formatDuration, formatSize } from './quantities.js';

/** A setting with the value that is in force. */
export interface EffectiveSetting {
  readonly name: string;
  /** The value in the form in which a variable accepts it; null when unset. A secret shows as `[set]`. */
  readonly value: string | null;
  readonly isDefault: boolean;
}

/** Lists the settings in force. Values of secrets are masked. */
export function effectiveSettings(loaded: LoadedConfig): readonly EffectiveSetting[] {
  return loaded.classes.flatMap((configClass) => {
    const values = loaded.get(configClass);
    return settingsOf(configClass).map(({ variable, property, kind, secret, defaultValue: fallback }) => {
      const value: unknown = Reflect.get(values, property);
      const text = toText(kind, value);
      const isDefault = text === toText(kind, fallback);
      return { name: variable, value: secret && text !== null ? '[set]' : text, isDefault };
    });
  });
}

function toText(kind: SettingKind, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.join(',');
  if (kind === 'duration') return formatDuration(Number(value));
  if (kind === 'size') return formatSize(Number(value));
  return typeof value === 'string' ? value : JSON.stringify(value);
}
