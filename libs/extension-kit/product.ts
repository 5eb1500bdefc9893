/** How the gateway names itself to clients and servers: an MCP `Implementation`. The version is that of package.json. */
export const PRODUCT = { name: 'isthmus', version: '0.1.0' };
