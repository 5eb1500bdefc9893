import { expect, it } from '@jest/globals';
import { readBatchOptions } from './batch-options.js';

it('reads the standard variables of the batch span processor', () => {
  const warnings: string[] = [];
  const variables = {
    OTEL_BSP_SCHEDULE_DELAY: '0',
    OTEL_BSP_EXPORT_TIMEOUT: '1000',
    OTEL_BSP_MAX_QUEUE_SIZE: ' 100 ',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '50',
  };
  expect(readBatchOptions(variables, { warn: (line: string) => void warnings.push(line) })).toEqual({
    scheduledDelayMillis: 0,
    exportTimeoutMillis: 1_000,
    maxQueueSize: 100,
    maxExportBatchSize: 50,
  });
  expect(warnings).toEqual([]);
});

it.each(['soon', '-1', '1.5', '2147483648', 'Infinity'])('ignores the invalid delay %s with a warning', (given) => {
  const warnings: string[] = [];
  const variables = { OTEL_BSP_SCHEDULE_DELAY: given, OTEL_BSP_MAX_QUEUE_SIZE: '' };
  expect(readBatchOptions(variables, { warn: (line: string) => void warnings.push(line) })).toEqual({});
  expect(warnings).toEqual([
    `OTEL_BSP_SCHEDULE_DELAY=${given} is no integer from 0 to 2147483647; the default is used.`,
  ]);
});
