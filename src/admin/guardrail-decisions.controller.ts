import { Get } from '@nestjs/common';
import { DECISION_WINDOW_MS, type DecisionCount } from '../guardrails/index.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { Inspection } from './inspection/inspection.js';
import { DescribeRoute } from './openapi/route-description.js';

interface DecisionsResponse {
  /** Length of the window in milliseconds. A worker that started later has counted since then. */
  readonly windowMs: number;
  readonly items: readonly DecisionCount[];
  /** Workers that did not reply. They may have decided more. */
  readonly silentWorkers: readonly string[];
}

/** What guardrails decided at all workers. */
@AdminController('guardrail-decisions')
export class GuardrailDecisionsController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({
    summary: 'Count the decisions of guardrails at all workers in the last hour',
    response: 'GuardrailDecisions',
  })
  async list(): Promise<DecisionsResponse> {
    const { answers, unresponsive } = await this.inspection.guardrailDecisions();
    const items = sumByLabels(answers.flatMap(({ answer }) => answer.decisions));
    return { windowMs: DECISION_WINDOW_MS, items, silentWorkers: unresponsive };
  }
}

function sumByLabels(decisions: readonly DecisionCount[]): readonly DecisionCount[] {
  const sums = new Map<string, DecisionCount>();
  for (const { count, ...labels } of decisions) {
    const key = Object.values(labels).join(' ');
    sums.set(key, { ...labels, count: (sums.get(key)?.count ?? 0) + count });
  }
  return [...sums.values()];
}
