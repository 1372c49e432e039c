/** Names and places of the lab that the causes are provoked in. */
export const MESH = "lab"
/** The virtual node whose Envoy is looked at. */
export const CALLER = "caller"
/** The virtual service that all routes belong to. */
export const SERVICE = "shop.lab.local"
export const ROUTER = "shop-router"
export const HTTP_PORT = 9000
/** A service whose chain waits for a filter that never comes. */
export const LATE_SERVICE = "late.lab.local"
export const LATE_PORT = 9001
/** A service whose host's name nobody knows. */
export const LOST_SERVICE = "lost.lab.local"
export const LOST_PORT = 9002
/** What the caller's own application is asked for by health checkers. */
export const HEALTH_PATH = "/health"
