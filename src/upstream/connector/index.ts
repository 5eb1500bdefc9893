export { DefaultUpstreamConnector } from './default-upstream-connector.js';
