import type { DeclaredMesh } from "../../mesh/declared.ts"

/** A mesh with one of everything that App Mesh's control plane treats in its own way. */
export const RICH: DeclaredMesh = {
  name: "shop",
  flavor: "app-mesh",
  owner: "111122223333",
  egress: "ALLOW_ALL",
  virtualNodes: [
    {
      name: "front_ns",
      listeners: [{ port: 8080, protocol: "http" }],
      backends: ["cart.ns", "stock.ns", "store.ns", "nothing.ns"],
      discovery: { type: "dns", hostname: "front.ns" },
      accessLog: { path: "/dev/stdout", json: { code: "%RESPONSE_CODE%" } },
    },
    {
      name: "cart_ns",
      listeners: [
        { port: 8080, protocol: "http" },
        { port: 9090, protocol: "grpc" },
      ],
      backends: [],
      discovery: { type: "cloudmap" },
      accessLog: { path: "/dev/stdout" },
    },
    { name: "cart-v2_ns", listeners: [{ port: 8080, protocol: "http" }], backends: [] },
    { name: "store_ns", listeners: [{ port: 6379, protocol: "tcp" }], backends: [] },
    { name: "store-v2_ns", listeners: [{ port: 6379, protocol: "tcp" }], backends: [] },
    { name: "job_ns", listeners: [], backends: ["cart.ns"] },
  ],
  virtualServices: [
    { name: "cart.ns", provider: { kind: "virtual_router", name: "cart-router_ns" } },
    { name: "stock.ns", provider: { kind: "virtual_router", name: "stock-router_ns" } },
    { name: "store.ns", provider: { kind: "virtual_router", name: "store-router_ns" } },
    { name: "front.ns", provider: { kind: "virtual_node", name: "front_ns" } },
    { name: "nothing.ns", provider: { kind: "none" } },
  ],
  virtualRouters: [
    {
      name: "cart-router_ns",
      listeners: [{ port: 8080, protocol: "http" }],
      routes: [
        {
          name: "by-header",
          protocol: "http",
          match: {
            path: { prefix: "/" },
            method: "GET",
            headers: [
              { name: "x-canary", match: { regex: "v[23]" } },
              { name: "x-old", match: { exact: "yes", invert: true } },
              { name: "x-age", match: { range: { start: 1, end: 10 } } },
              { name: "x-there" },
            ],
            query: [{ name: "q", match: { exact: "1" } }],
          },
          targets: [{ virtualNode: "cart-v2_ns", weight: 1 }],
          retry: {
            maxRetries: 3,
            perRetryTimeoutMs: 1500,
            httpRetryEvents: ["gateway-error", "client-error", "stream-error"],
            tcpRetryEvents: ["connection-error"],
          },
          timeoutMs: 2500,
          idleTimeoutMs: 60_000,
        },
        {
          name: "rest",
          protocol: "http",
          match: { path: { prefix: "/" } },
          targets: [
            { virtualNode: "cart_ns", weight: 100 },
            { virtualNode: "cart-v2_ns", weight: 0 },
          ],
        },
      ],
    },
    {
      name: "stock-router_ns",
      listeners: [{ port: 9090, protocol: "grpc" }],
      routes: [
        {
          name: "get",
          protocol: "grpc",
          match: { grpc: { service: "shop.Stock", method: "Get" } },
          targets: [{ virtualNode: "cart_ns", weight: 1, port: 9090 }],
          retry: { maxRetries: 1, grpcRetryEvents: ["cancelled", "unavailable"] },
        },
      ],
    },
    {
      name: "store-router_ns",
      listeners: [{ port: 6379, protocol: "tcp" }],
      routes: [
        {
          name: "store",
          protocol: "tcp",
          match: {},
          targets: [
            { virtualNode: "store_ns", weight: 3 },
            { virtualNode: "store-v2_ns", weight: 1 },
          ],
        },
      ],
    },
  ],
  virtualGateways: [
    {
      name: "door_ns",
      listeners: [
        { port: 8088, protocol: "http" },
        { port: 8089, protocol: "http" },
      ],
      accessLog: { path: "/dev/stdout", text: "%START_TIME% %RESPONSE_CODE%\n" },
      routes: [
        {
          name: "exact",
          protocol: "http",
          match: { path: { exact: "/basket" } },
          virtualService: "cart.ns",
          rewrite: { hostname: true, path: "/cart" },
        },
        {
          name: "kept-host",
          protocol: "http",
          match: { path: { prefix: "/keep/" } },
          virtualService: "cart.ns",
          rewrite: { hostname: false },
        },
        {
          name: "cart",
          protocol: "http",
          match: { path: { prefix: "/cart" } },
          virtualService: "cart.ns",
          rewrite: { hostname: true, prefix: "/" },
        },
        {
          name: "nothing",
          protocol: "http",
          match: { path: { prefix: "/nothing/" } },
          virtualService: "nothing.ns",
          rewrite: { hostname: true, prefix: "/" },
        },
        {
          name: "front",
          protocol: "http",
          match: { path: { prefix: "/" } },
          virtualService: "front.ns",
          rewrite: { hostname: true, prefix: "/" },
        },
      ],
    },
  ],
}
