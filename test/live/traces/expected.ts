const DOOR = "yelb/yelb-gateway_yelb server gateway yelb-ui yelbui-gatewayroute_yelb"
const IN = "yelb/yelb-gateway_yelb client gateway yelb-ui -> yelb/yelb-ui-virtual-node"
const UI = "yelb/yelb-ui-virtual-node server sidecar"
const CALL =
  "yelb/yelb-ui-virtual-node client sidecar yelb-appserver route-to-yelb-appserver -> yelb/yelb-appserver-virtual-node"
const APP = "yelb/yelb-appserver-virtual-node server sidecar"

/** What the spans of each request of `REQUESTS` must tell, by start. */
export const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  fine: [DOOR, IN, UI, CALL, APP],
  retried: [DOOR, IN, UI, CALL, `${APP} fault`, APP],
  failing: [
    `${DOOR} fault`,
    `${IN} fault`,
    `${UI} fault`,
    `${CALL} URX fault`,
    ...Array(3).fill(`${APP} fault`),
  ],
  broken: [
    `${DOOR} fault`,
    `${IN} fault`,
    `${UI} fault`,
    `${CALL} URX fault`,
    ...Array(3).fill(`${APP} UC fault`),
  ],
  throttled: [DOOR, IN, UI, CALL, APP].map((line) => `${line} error throttle`),
  missing: [DOOR, IN, UI, CALL, APP].map((line) => `${line} error`),
}
