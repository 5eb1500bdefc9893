export { accessPolicyContract, type AccessPolicyCases } from './access-policy-contract.js';
export type { ClientRequest, TokenRequest } from './connect-client.js';
export type { ContractCheck } from './contract.js';
export { placementStrategyContract, type PlacementCases } from './placement-strategy-contract.js';
export { secretStoreContract } from './secret-store-contract.js';
export {
  createTestVariables,
  startCompiledGateway,
  startGateway,
  type GatewayEntries,
  type TestGateway,
  type TestGatewayOptions,
} from './start-gateway.js';
export { upstreamCredentialsContract, type UpstreamCredentialsCases } from './upstream-credentials-contract.js';
export { tokenVerifierContract, type TokenVerifierCases } from './token-verifier-contract.js';
export { upstreamAdapterContract, type UpstreamAdapterCases } from './upstream-adapter-contract.js';
export { startToolServer, type ReceivedCall, type TestTool, type ToolServer } from './tool-server.js';
export { startHostileServer, type HostileServer, type HostileServerOptions } from '../hostile-server/index.js';
export { ManualClock } from '../manual-clock/index.js';
