export { REST_ANSWERS, TINY_PNG, type RestAnswer } from './rest-answers.js';
export { startRestServer, type RestArrival, type RestTestServer } from './rest-server.js';
