import { createServer, type ServerResponse } from "node:http"
import { type Loopback, onLoopback } from "../../fixtures/http/loopback.ts"

/** What the fake knows of a token. */
export interface KnownToken {
  readonly username: string
  readonly audiences: readonly string[]
}

/** An API server that only reviews tokens. */
export interface FakeTokenReviews extends Loopback {
  readonly known: Map<string, KnownToken>
  /** Reviews that were asked for. */
  asked: number
  /** In place of an answer: a status of HTTP, or none. */
  trouble: number | "hang" | undefined
  /** Who may ask; undefined: everybody. */
  caller: string | undefined
}

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews"

/** As kube-apiserver answers: strict in what it takes, 201 with a status. */
export async function startTokenReviews(): Promise<FakeTokenReviews> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const failure = (code: number, message: string): void =>
        send(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", message, code })
      if (request.method !== "POST" || request.url !== PATH) {
        failure(404, "not found")
        return
      }
      fake.asked++
      if (fake.trouble === "hang") return
      if (fake.trouble !== undefined) {
        failure(fake.trouble, "trouble by the test")
        return
      }
      if (fake.caller !== undefined && request.headers.authorization !== `Bearer ${fake.caller}`) {
        failure(403, 'tokenreviews.authentication.k8s.io is forbidden: User "x" cannot create resource')
        return
      }
      const review = JSON.parse(Buffer.concat(chunks).toString()) as {
        readonly apiVersion: string
        readonly kind: string
        readonly spec: { readonly token: string; readonly audiences: readonly string[] }
      }
      if (review.kind !== "TokenReview" || review.apiVersion !== "authentication.k8s.io/v1") {
        failure(400, "the object is no TokenReview")
        return
      }
      send(response, 201, {
        ...review,
        status: statusOf(fake.known.get(review.spec.token), review.spec.audiences),
      })
    })
  })
  const fake: FakeTokenReviews = Object.assign(await onLoopback(server), {
    known: new Map<string, KnownToken>(),
    asked: 0,
    trouble: undefined,
    caller: undefined,
  })
  return fake
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

function statusOf(token: KnownToken | undefined, wanted: readonly string[]): object {
  if (token === undefined) return { user: {}, error: "invalid bearer token" }
  const audiences = token.audiences.filter((one) => wanted.includes(one))
  if (audiences.length === 0)
    return { user: {}, error: "token audiences is invalid for the target audiences" }
  return { authenticated: true, user: { username: token.username, uid: "u" }, audiences }
}

/** A token in the form of a service account's, without a signature that anybody could check. */
export function podToken(claims: object): string {
  return [{ alg: "RS256" }, claims, {}]
    .map((value) => Buffer.from(JSON.stringify(value)).toString("base64url"))
    .join(".")
}
