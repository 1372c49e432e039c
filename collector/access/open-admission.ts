import { kubeAccess } from "#kubernetes/access.ts"
import { makeTokenReviewer } from "#kubernetes/token-review.ts"
import type { Clock } from "#mesh/clock.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { Log } from "../log.ts"
import { type Admission, admission, type Proof } from "./admission.ts"
import { podIdentityProof, type ReviewResult } from "./pod-identity.ts"
import type { PodIdentityConfig } from "./schema.ts"
import { tokenFileProof } from "./token-file.ts"
import { tokenVariableProof } from "./token-variable.ts"

export interface AdmissionDeps {
  readonly clock: Clock
  readonly log: Log
  readonly env: Environment
  readonly reviewed: (result: ReviewResult) => void
}

export interface AdmissionConfig {
  readonly tokenFile?: string | undefined
  readonly tokenEnv?: string | undefined
  readonly kubernetes?: PodIdentityConfig | undefined
}

/**
 * Who may send, by the setting `intake`.
 * @throws MeshscopeError FILE_UNREADABLE, CONFIG_INVALID, CONFIG_ENV_MISSING
 */
export async function openAdmission(
  { tokenFile, tokenEnv, kubernetes }: AdmissionConfig,
  deps: AdmissionDeps,
): Promise<Admission> {
  const proofs: Proof[] = []
  if (tokenFile !== undefined) proofs.push(await tokenFileProof(tokenFile, deps))
  if (tokenEnv !== undefined) proofs.push(tokenVariableProof(tokenEnv, deps.env))
  if (kubernetes !== undefined) {
    const reviewer = makeTokenReviewer(kubeAccess(kubernetes.api, deps.env))
    proofs.push(podIdentityProof(kubernetes, { ...deps, reviewer }))
  }
  return admission(proofs)
}
