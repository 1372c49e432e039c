import { connect as connectPlain, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import type { Check } from "#mesh/doctor-report.ts"
import type { AgentConfig } from "../config/parse.ts"
import { readTls } from "../config/tls.ts"
import type { TlsConfig } from "../config/tls-schema.ts"
import { readText } from "../outputs/secrets.ts"
import { cloudWatchClient } from "../publish/aws/sdk-clients.ts"
import { awsTrouble } from "../publish/aws/sdk-trouble.ts"
import { noAnswer } from "../publish/http/no-answer.ts"

/** How long one receiver may take to take a connection. */
const PATIENCE_MS = 5000

/** Whether receivers can be reached, and whether there is somebody to be at AWS. Nothing is sent. */
export async function checkOutputs({ publish }: AgentConfig): Promise<readonly Check[]> {
  const { otlp, remoteWrite, zipkin, otlpTraces, splunk } = publish
  const receivers = Object.entries({ otlp, remoteWrite, zipkin, otlpTraces, splunk }).flatMap(
    ([key, output]) => {
      if (output === undefined) return []
      const address = "url" in output ? output.url : output.endpoint
      return address === undefined ? [] : [checkReceiver(`publish.${key}`, address, output.tls)]
    },
  )
  return Promise.all([...receivers, ...awsOutputs(publish).map(checkAws)])
}

async function checkReceiver(subject: string, endpoint: string, tls: TlsConfig): Promise<Check> {
  const url = new URL(endpoint)
  try {
    await connected(url, tls)
    const sentence = `A connection to ${url.host} was taken. Whether it takes what is sent is not tried.`
    return { area: "outputs", subject, state: "ok", sentence, todo: "" }
  } catch (error) {
    const sentence = `${noAnswer(error)}.`
    const todo = `Until then what is meant for ${url.host} waits in the queue.`
    return { area: "outputs", subject, state: "missing", sentence, todo }
  }
}

async function connected(url: URL, tls: TlsConfig): Promise<void> {
  const secure = url.protocol === "https:"
  const host = url.hostname.replace(/^\[|\]$/g, "")
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port)
  const certificates = secure ? await readTls(tls, readText) : {}
  await new Promise<void>((resolve, reject) => {
    const taken = (): void => {
      socket.destroy()
      resolve()
    }
    const socket: Socket = secure
      ? connectTls({ host, port, servername: host, ...certificates }, taken)
      : connectPlain({ host, port }, taken)
    socket.on("error", reject)
    socket.setTimeout(PATIENCE_MS, () => {
      const error = new Error(`no answer within ${PATIENCE_MS / 1000} s`)
      socket.destroy(Object.assign(error, { code: "ETIMEDOUT" }))
    })
  })
}

function awsOutputs({
  cloudwatchLogs,
  cloudwatchMetrics,
  cloudwatchOtlp,
  xray,
}: AgentConfig["publish"]): string[] {
  const outputs = { cloudwatchLogs, cloudwatchMetrics, cloudwatchOtlp, xray }
  return Object.entries(outputs).flatMap(([key, output]) => (output === undefined ? [] : [key]))
}

/** Region and credentials, by the SDK's own rules. What the role may do is known only by doing it. */
async function checkAws(key: string): Promise<Check> {
  const subject = `publish.${key}`
  const client = await cloudWatchClient({ maxAttempts: 1 })
  try {
    const region = await client.config.region()
    await client.config.credentials()
    const sentence = `There are credentials for AWS, region ${region}. Whether their role may write is known only by writing, which is not tried.`
    const todo = `The role needs what docs/aws.md lists for ${key}.`
    return { area: "outputs", subject, state: "not_tried", sentence, todo }
  } catch (error) {
    const todo = "Give the pod, task or instance a role, or set AWS_REGION: docs/aws.md."
    return { area: "outputs", subject, state: "missing", sentence: `${awsTrouble(error).why}.`, todo }
  } finally {
    client.destroy()
  }
}
