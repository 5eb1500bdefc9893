import { fileURLToPath } from 'node:url';
import type { Gateways } from '../gateways.js';
import { ERAS } from '../workload.js';
import { comparePair, CONCURRENCY, describeCost, judgeCost, startSubject, type Cost } from './gateway-pair.js';
import type { Study, StudyBench } from './study.js';

/** What is compared with a gateway without extensions, and the share of the calls per second that it may cost. */
const SUBJECTS = [
  { name: 'an extension without contributions', file: 'empty-extension', allowed: 0.02 },
  { name: 'one empty interceptor', file: 'empty-interceptor-extension', allowed: 0.05 },
] as const;

type Subject = (typeof SUBJECTS)[number];

/** Measures what extensions cost a call that they leave as it is. */
export const studyExtensions: Study = async (bench) => {
  const measured: { subject: Subject; costs: readonly Cost[] }[] = [];
  for (const subject of SUBJECTS) measured.push({ subject, costs: await measure(bench, subject) });
  return {
    lines: measured.flatMap(({ subject, costs }) => [
      `extensions: ${subject.name} against none, c = ${CONCURRENCY}`,
      ...costs.map(describeCost),
    ]),
    verdicts: measured.flatMap(({ subject, costs }) =>
      costs.map((cost) => judgeCost(subject.name, cost, subject.allowed)),
    ),
    figures: measured.map(({ subject: { name }, costs }) => ({ name, costs })),
  };
};

async function measure(bench: StudyBench, { file }: Subject): Promise<readonly Cost[]> {
  const started: Gateways[] = [];
  try {
    const off = await startSubject(bench, started);
    const on = await startSubject(bench, started, { ISTHMUS_EXTENSIONS: locate(file) });
    const costs: Cost[] = [];
    for (const era of ERAS) costs.push(await comparePair(bench, era, { on, off }));
    return costs;
  } finally {
    for (const gateways of started) await gateways.stop();
  }
}

const locate = (file: string): string => fileURLToPath(new URL(`../extensions/${file}.js`, import.meta.url));
