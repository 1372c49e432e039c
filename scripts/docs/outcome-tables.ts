import { FLAGS } from "#mesh/flags.ts"
import { GRPC_STATUSES } from "#mesh/grpc-status.ts"
import { CODE_CLASSES, OUTCOMES, outcomeOf } from "#mesh/outcome.ts"
import { code, markdownTable } from "./markdown.ts"

/** Outcome as the code decides it, so that the page cannot say otherwise. */
function outcome(status: number, grpcStatus: number, bits: number, gateway = false): string {
  return code(OUTCOMES[outcomeOf(status, grpcStatus, bits, gateway)] ?? "")
}

/** Flags with what they alone decide: with an answer of 200 and of 503, at a sidecar and at a gateway's ingress pass. */
export function flagTable(): string {
  const rows = FLAGS.map(({ name, bit, meaning }) => [
    code(name),
    meaning,
    outcome(200, -1, bit),
    outcome(404, -1, bit),
    outcome(503, -1, bit),
    outcome(404, -1, bit, true),
  ])
  return markdownTable(["Flag", "Meaning", "with 200", "with 404", "with 503", "with 404, gateway"], rows)
}

/** Requests without flags and gRPC status, by code class. */
export function codeTable(): string {
  const rows = CODE_CLASSES.map((name, index) => [
    code(name),
    outcome(name === "none" ? 0 : (index + 1) * 100, -1, 0),
  ])
  return markdownTable(["Code class", "Outcome"], rows)
}

/** gRPC calls without flags, by status. */
export function grpcTable(): string {
  const rows = GRPC_STATUSES.map((name, status) => [String(status), code(name), outcome(200, status, 0)])
  return markdownTable(["Status", "Name", "Outcome"], rows)
}
