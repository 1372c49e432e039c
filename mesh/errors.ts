/** Every error that the product names. One row per code: what happened, and what the user can do. Docs are made from it. */
export const ERROR_CODES = {
  CONFIG_SYNTAX: "The configuration file is not valid YAML. The message names line and column.",
  CONFIG_INVALID:
    "A value in the configuration is not allowed. The message names the key and what is expected.",
  CONFIG_UNKNOWN_KEY: "A key is not known. The message names the nearest known key.",
  CONFIG_ENV_MISSING:
    "The configuration refers to an environment variable that is not set and has no default.",
  FILE_UNREADABLE: "A file that the configuration names cannot be read. Check the path and its permissions.",
  MODEL_INVALID: "A declared resource cannot be understood. The message names the document and the field.",
  DISCOVERY_CONFLICT:
    "Two ways of discovery found different proxies of one name. The first one stays. Give one of them another name.",
  KUBE_UNREACHABLE:
    "The Kubernetes API server does not answer. Check the address, the network policy and the certificate authority.",
  KUBE_REFUSED:
    "The Kubernetes API server refuses (401, 403). The message names the verb and the resource that the role lacks.",
  KUBE_BAD_ANSWER: "The Kubernetes API server's answer cannot be understood.",
  ECS_UNREACHABLE:
    "The ECS agent, the task metadata endpoint, Docker or the ECS API does not answer. Check the address or socket, and that the agent runs where it can reach it (host networking).",
  ECS_REFUSED:
    "The ECS API refuses a call. The message names it: as a rule the role of the agent's task lacks it.",
  ECS_BAD_ANSWER:
    "What answers at the address of the ECS agent, the task metadata endpoint, Docker or the ECS API answers something else than they do.",
  ADMIN_UNREACHABLE:
    "The proxy's admin interface does not answer. Check the address and that the proxy runs.",
  ADMIN_REFUSED: "The admin interface refuses this path (403). The agent goes on with what it may read.",
  ADMIN_BUSY:
    "What stands before the proxy answers that it is asked too often (429). The agent waits longer before it asks again.",
  ADMIN_TIMEOUT: "The admin interface took longer than the time limit.",
  ADMIN_TOO_LARGE:
    "An admin page is larger than the byte limit. Raise `scrape.maxPageBytes` if that is expected.",
  ADMIN_BAD_ANSWER:
    "The admin interface answered something that is not HTTP, or not the page that was asked for.",
  STATE_UNWRITABLE:
    "The state file cannot be written. Exposed numbers are frozen until it can. Free disk space or fix permissions.",
  STATE_FUTURE:
    "The state file was written by a newer version. It is kept as it is; start that version, or name another folder.",
  STATE_CORRUPT:
    "The state file is damaged. It was set aside and a new one begun; counters have a new start time.",
  STATE_LOCKED: "Another agent uses this state folder. Give each agent its own.",
  EXPORT_REJECTED: "The receiver refuses a record for good. It is counted as dropped.",
  QUEUE_DAMAGED:
    "A part of what waited on disk for a receiver, or what was known of it, cannot be read. Lost records are counted as dropped, the others are sent.",
  QUEUE_UNUSED:
    "Records wait on disk for an output that is not configured any more. Configure it again to send them, or delete the folder.",
  EXPORT_UNAVAILABLE: "The receiver does not take records now. They are kept and sent again.",
  INTAKE_MALFORMED:
    "What was sent is not valid: OTLP, Zipkin spans, access log entries or the forward protocol. The message says where. Sending it again will not help.",
  INTAKE_TOO_LARGE:
    "A body or message is larger than the limit, before or after decompression. Send smaller batches.",
  LISTEN_FAILED: "The address to listen on is in use or not allowed.",
  COLLECTOR_UNREACHABLE: "The collector does not answer. Check the address and that it runs.",
  COLLECTOR_REFUSED:
    "The collector does not accept who we are (401, 403). Check the token that is sent, and the collector's setting `intake`.",
  COLLECTOR_BAD_ANSWER:
    "The collector answered something else than was asked for. Check that the address is a collector's, of the same version.",
  AGENT_UNREACHABLE:
    "The agent does not answer. Check the address of its page for Prometheus and that it runs.",
  AGENT_BAD_ANSWER: "The answer is not the page of an agent. Check the address and its path.",
  MESH_UNKNOWN: "The collector knows no mesh of this name. The message names those that it knows.",
  COMPONENT_MISSING: "A program that this command needs is not there. The message says how to get it.",
} as const
export type ErrorCode = keyof typeof ERROR_CODES

/** The one error type that crosses module borders. `message` is a sentence for the user. */
export class MeshscopeError extends Error {
  readonly code: ErrorCode
  /** Whether the same call may succeed later without a change by the user. */
  readonly retryable: boolean
  constructor(code: ErrorCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = "MeshscopeError"
    this.code = code
    this.retryable = options.retryable ?? false
  }
}
