import * as z from "zod"
import { bothOrNone, kubeAccessSchema, kubeFiles, kubeServerSchema } from "#kubernetes/access-schema.ts"
import { whereStand } from "#mesh/configuration.ts"
import { duration } from "#mesh/quantities.ts"

const name = z
  .string()
  .regex(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/, { error: "expects a name as Kubernetes has them" })

const namespaces = z.strictObject({
  include: z
    .array(name)
    .max(1000)
    .default([])
    .describe("Only these. With one alone a role of that namespace is enough. Empty: all."),
  exclude: z.array(name).max(1000).default([]).describe("All but these."),
})

const kubelet = z
  .strictObject({
    url: kubeServerSchema("https://${HOST_IP}:10250").describe("Address of this node's kubelet."),
    ...kubeFiles,
    insecure: z
      .boolean()
      .default(false)
      .describe(
        "Whether to take any certificate of the kubelet. Many kubelets have one that nobody signed; whoever stands between then sees the token.",
      ),
    interval: duration({ min: "1s", max: "1h" }).prefault("10s").describe("Time between two looks."),
  })
  .superRefine(bothOrNone, whereStand("certFile", "keyFile"))

/** `discover.kubernetes`: Envoys in the pods of the agent's node. */
export const kubernetesSchema = z
  .strictObject({
    nodeName: name
      .optional()
      .describe(
        "The node whose pods are read. Default: the environment variable NODE_NAME, to be set from `spec.nodeName` of the agent's pod.",
      ),
    namespaces: namespaces.prefault({}).describe("Which namespaces' pods are looked at."),
    labelSelector: z
      .string()
      .max(4096)
      .default("")
      .describe("Only pods that this selector takes, such as `team=shop,tier!=batch`. Empty: all."),
    containers: z
      .record(name, z.int().min(1).max(65_535))
      .default({})
      .describe(
        'Further containers that are Envoys, with the port of their admin interface: `edge-proxy: 9901`. One pod alone can say so by the annotation `meshscope.dev/admin: "9901"`.',
      ),
    logs: z
      .string()
      .min(1)
      .default("/var/log/pods")
      .describe("Where the kubelet's folder of pods' logs is mounted."),
    api: kubeAccessSchema
      .prefault({})
      .describe("The API server. In a pod nothing needs to be set: it is told by Kubernetes."),
    kubelet: kubelet
      .optional()
      .describe(
        "Asks the kubelet for its pods in place of the API server. Needs the right `nodes/pods`, of a kubelet before 1.33 `nodes/proxy`, which allows much more.",
      ),
  })
  .superRefine(({ labelSelector, kubelet: asked }, context) => {
    if (labelSelector === "" || asked === undefined) return
    const message = "has no meaning with kubelet, which tells of all its pods"
    context.addIssue({ code: "custom", path: ["labelSelector"], message })
  }, whereStand())
type KubernetesSettings = z.output<typeof kubernetesSchema>

/** The same with absolute paths. */
export function absoluteKubernetes(
  settings: KubernetesSettings,
  absolute: (path: string) => string,
): KubernetesSettings {
  const { logs, api, kubelet: asked, ...rest } = settings
  return {
    ...rest,
    logs: absolute(logs),
    api: absoluteFiles(api, absolute),
    ...(asked === undefined ? {} : { kubelet: absoluteFiles(asked, absolute) }),
  }
}

const FILES = ["tokenFile", "caFile", "certFile", "keyFile"] as const

/** Files of an access to an API server. */
export function absoluteFiles<
  Settings extends { readonly [name in (typeof FILES)[number]]?: string | undefined },
>(settings: Settings, absolute: (path: string) => string): Settings {
  const files = FILES.flatMap((key) => {
    const file = settings[key]
    return file === undefined ? [] : [[key, absolute(file)] as const]
  })
  return { ...settings, ...Object.fromEntries(files) }
}
