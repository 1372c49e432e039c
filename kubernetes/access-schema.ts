import * as z from "zod"
import { whereStand } from "#mesh/configuration.ts"

const file = z.string().min(1).optional()

/** `https://host:port`; plain http on loopback only, as of `kubectl proxy`, since a token would be seen elsewhere. */
export function kubeServerSchema(example: string) {
  const expects = `expects a URL such as ${example}; http is for loopback only`
  return z.string({ error: expects }).transform((text, context) => {
    const url = URL.parse(text)
    const plain =
      url?.protocol === "http:" && /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/.test(url.hostname)
    const bare = url?.username === "" && url.password === "" && url.search === "" && url.hash === ""
    if (url !== null && bare && (plain || url.protocol === "https:")) return url.href.replace(/\/+$/, "")
    context.addIssue({ code: "custom", message: expects })
    return z.NEVER
  })
}

/** Who asks: files, read anew before each request. */
export const kubeFiles = {
  tokenFile: file.describe("File with a bearer token; read anew before each request."),
  caFile: file.describe("File in PEM with the authorities to trust, in place of those of the system."),
  certFile: file.describe("File in PEM with our certificate, where the server asks for one."),
  keyFile: file.describe("File in PEM with its key."),
}

/** For `superRefine`. */
export function bothOrNone(
  { certFile, keyFile }: { readonly certFile?: string | undefined; readonly keyFile?: string | undefined },
  context: z.core.$RefinementCtx,
): void {
  if ((certFile === undefined) === (keyFile === undefined)) return
  context.addIssue({ code: "custom", message: "expects both certFile and keyFile" })
}

/** Which API server to ask, and as whom; empty in a pod, which is told by Kubernetes. */
export const kubeAccessSchema = z
  .strictObject({
    server: kubeServerSchema("https://10.0.0.1:6443")
      .optional()
      .describe(
        "Address of the API server. Default, with token and authority: those of the pod that we run in.",
      ),
    ...kubeFiles,
  })
  .superRefine(bothOrNone, whereStand("certFile", "keyFile"))
export type KubeAccessSettings = z.output<typeof kubeAccessSchema>
