import * as z from "zod"
import { kubeAccessSchema } from "#kubernetes/access-schema.ts"

const file = z.string().min(1)

/** Pods that may send, by the token that Kubernetes gives them. */
export const podIdentitySchema = z.strictObject({
  audience: z
    .string()
    .min(1)
    .max(253)
    .default("meshscope")
    .describe("What the token must be made for: `audience` of the projected `serviceAccountToken`."),
  serviceAccounts: z
    .array(z.string().regex(/^[a-z0-9-]{1,63}\/[a-z0-9.-]{1,253}$/, { error: "expects <namespace>/<name>" }))
    .min(1)
    .max(100)
    .describe("Whose tokens are taken, as `<namespace>/<name>`."),
  api: kubeAccessSchema
    .prefault({})
    .describe(
      "The API server that knows the tokens; empty in a pod. Its role needs `create` for `tokenreviews.authentication.k8s.io`, as in the ClusterRole `system:auth-delegator`.",
    ),
})
export type PodIdentityConfig = z.output<typeof podIdentitySchema>

/** Certificates of the listener. */
export const listenerTlsSchema = z.strictObject({
  certFile: file.describe("File in PEM with our certificate and those between it and the authority."),
  keyFile: file.describe("File in PEM with its key."),
  clientCaFile: file
    .optional()
    .describe(
      "File in PEM with the authorities of whoever may ask anything but `/healthz`. Absent: nobody is asked for a certificate.",
    ),
})
export type ListenerTlsConfig = z.output<typeof listenerTlsSchema>
