import { constants } from "node:fs"
import { access, readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { kubeAccess } from "#kubernetes/access.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { fileReason } from "#mesh/system-reason.ts"
import type { SecretReference } from "./config/header-schema.ts"
import type { AgentConfig } from "./config/parse.ts"
import type { TlsConfig } from "./config/tls-schema.ts"
import { kubernetesConfig } from "./discover/kubernetes/settings.ts"
import { cloudWatchClient } from "./publish/aws/sdk-clients.ts"
import { awsTrouble } from "./publish/aws/sdk-trouble.ts"

/** Something of a sound configuration that cannot work on this machine, as this user, with this environment. */
export interface Hindrance {
  readonly path: readonly PropertyKey[]
  /** Behind the path. */
  readonly sentence: string
}

export interface ReadinessDeps {
  readonly env: Environment
  /** The proxies, where they are known. */
  readonly targets: readonly Pick<ProxyTarget, "logs">[] | undefined
}

/** What would keep an agent of this configuration from its work, as far as that can be known without asking anybody. */
export async function hindrances(config: AgentConfig, deps: ReadinessDeps): Promise<readonly Hindrance[]> {
  const found = await Promise.all([
    ofState(config),
    ofRegion(config),
    ofFiles(config, deps),
    Promise.resolve(ofKubernetes(config, deps)),
    Promise.resolve(ofLines(config, deps)),
  ])
  return found.flat()
}

/** The folder, or where it is not there yet the next one above it, must be one that this user may write. */
async function ofState({ agent }: AgentConfig): Promise<Hindrance[]> {
  for (let folder = agent.state; ; folder = dirname(folder)) {
    try {
      await access(folder, constants.W_OK | constants.X_OK)
      return []
    } catch (cause) {
      const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT"
      if (isMissing && dirname(folder) !== folder) continue
      const what = folder === agent.state ? "which" : `whose folder ${folder}`
      const sentence = `names ${agent.state}, ${what} cannot be written: ${fileReason(cause)}`
      return [{ path: ["agent", "state"], sentence }]
    }
  }
}

/** What a pod is told by Kubernetes and its own manifest is nowhere else. */
function ofKubernetes({ discover, model }: AgentConfig, { env }: ReadinessDeps): Hindrance[] {
  const { kubernetes } = discover
  const declared = model.kubernetes
  return [
    ...lacking(["discover", "kubernetes"], () => kubernetes && kubernetesConfig(kubernetes, env)),
    ...lacking(["model", "kubernetes"], () => declared && kubeAccess(declared.api, env)),
  ]
}

function lacking(path: readonly PropertyKey[], made: () => unknown): Hindrance[] {
  try {
    made()
    return []
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
    return [{ path, sentence: `cannot work here: ${error.message}` }]
  }
}

/** By the SDK's own rules, from environment and profile. */
async function ofRegion({ publish }: AgentConfig): Promise<Hindrance[]> {
  const { cloudwatchLogs, cloudwatchMetrics, cloudwatchOtlp, xray, otlpTraces } = publish
  const outputs = Object.entries({ cloudwatchLogs, cloudwatchMetrics, cloudwatchOtlp, xray })
    .filter(([, output]) => output !== undefined)
    .map(([key]) => key)
  const [first] = otlpTraces?.cloudwatch === true ? [...outputs, "otlpTraces"] : outputs
  if (first === undefined) return []
  const client = await cloudWatchClient({ maxAttempts: 1 })
  try {
    await client.config.region()
    return []
  } catch (error) {
    return [{ path: ["publish", first], sentence: `goes to AWS. ${awsTrouble(error).why}` }]
  } finally {
    client.destroy()
  }
}

/** Files and variables with secrets and certificates. */
async function ofFiles({ publish, model }: AgentConfig, { env }: ReadinessDeps): Promise<Hindrance[]> {
  const { otlp, remoteWrite, zipkin, otlpTraces, splunk } = publish
  const sent = Object.entries({ otlp, remoteWrite, zipkin, otlpTraces, splunk }).map(
    ([key, output]) => [["publish", key], output] as const,
  )
  const others = [...sent, [["model", "collector"], model.collector] as const]
  const all = others.flatMap(([path, other]) =>
    Object.entries(other !== undefined && "headers" in other ? other.headers : {}).map(([name, value]) =>
      typeof value === "string" ? [] : ofSecret([...path, "headers", name], value, env),
    ),
  )
  const certificates = others.map(([path, other]) => (other === undefined ? [] : ofTls(path, other.tls)))
  const token = splunk === undefined ? [] : ofSecret(["publish", "splunk", "token"], splunk.token, env)
  return (await Promise.all([...all, ...certificates, token])).flat()
}

async function ofSecret(
  path: readonly PropertyKey[],
  { file, env: name }: SecretReference,
  env: Environment,
): Promise<Hindrance[]> {
  if (file !== undefined) return ofFile([...path, "file"], file)
  if (name === undefined || (env[name] ?? "") !== "") return []
  return [{ path: [...path, "env"], sentence: `names the environment variable ${name}, which is not set` }]
}

async function ofTls(path: readonly PropertyKey[], tls: TlsConfig): Promise<Hindrance[]> {
  const files = Object.entries(tls).flatMap(([name, file]) =>
    file === undefined ? [] : [ofFile([...path, "tls", name], file)],
  )
  return (await Promise.all(files)).flat()
}

async function ofFile(path: readonly PropertyKey[], file: string): Promise<Hindrance[]> {
  try {
    await readFile(file)
    return []
  } catch (cause) {
    return [{ path, sentence: `names ${file}, which cannot be read: ${fileReason(cause)}` }]
  }
}

/** What is made of access lines needs targets that list a log. */
function ofLines({ publish, spans }: AgentConfig, { targets }: ReadinessDeps): Hindrance[] {
  if (targets === undefined || targets.some(({ logs }) => logs.length > 0)) return []
  const { cloudwatchLogs, splunk } = publish
  const wants = [
    ...(cloudwatchLogs === undefined ? [] : [["publish", "cloudwatchLogs"]]),
    ...(splunk === undefined || splunk.lines === false ? [] : [["publish", "splunk"]]),
    ...(spans.fromLogs ? [["spans", "fromLogs"]] : []),
  ]
  return wants.map((path) => ({
    path,
    sentence: "needs access lines, but no target lists a log: there is nothing to make it of",
  }))
}
