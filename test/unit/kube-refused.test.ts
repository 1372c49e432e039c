import { mkdtemp, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { kubeAccess, SERVICE_ACCOUNT } from "../../kubernetes/access.ts"
import { kubeAccessSchema } from "../../kubernetes/access-schema.ts"
import { makeKubeApi } from "../../kubernetes/api.ts"
import { systemClock } from "../../mesh/clock.ts"
import { NAMESPACES, PODS } from "../fake/kubernetes/fake-kube.ts"
import { fakeKube, until, watching } from "../fake/kubernetes/watching.ts"
import { testCertificates } from "../fixtures/http/certificates.ts"

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "kube-"))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

/** At once, as the kubelet replaces what it mounts. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

const apiOf = (access: Parameters<typeof makeKubeApi>[0]) =>
  makeKubeApi(access, { clock: systemClock, random: () => 0.5 })
const never = new AbortController().signal

describe("who asks", () => {
  test("is shown by a token that is read anew: after a rotation and after a refusal", async () => {
    const tokenFile = join(await folder(), "token")
    await replace(tokenFile, "one\n")
    const fake = await fakeKube()
    fake.tokens = new Set(["one"])
    const { sets, problems } = watching({ server: fake.url, tokenFile }, PODS)
    await until(() => fake.watches.open === 1)
    fake.tokens = new Set(["two"])
    await replace(tokenFile, "two\n")
    fake.watches.end()
    await until(() => fake.watches.open === 1)
    expect(problems).toEqual([])
    fake.tokens = new Set(["three"])
    fake.watches.end()
    await until(() => problems.length === 1)
    await replace(tokenFile, "three")
    fake.store.put(PODS, { metadata: { namespace: "a", name: "p" } })
    await until(() => sets.length === 2)
    expect(problems).toEqual([
      `The Kubernetes API server at ${fake.url} does not know who asks (401). The token in ${tokenFile} is not good. It says: Unauthorized`,
      "mended",
    ])
    expect(fake.counts.lists).toBe(1)
  })

  test("is not told to anyone where the token's file is missing or holds none", async () => {
    const tokenFile = join(await folder(), "token")
    const fake = await fakeKube()
    const { problems } = watching({ server: fake.url, tokenFile }, PODS)
    await until(() => problems.length === 1)
    await replace(tokenFile, "two words")
    await until(() => problems.length === 2)
    await replace(tokenFile, "one")
    await until(() => problems.length === 3)
    expect(problems).toEqual([
      `The token of the Kubernetes API ${tokenFile} cannot be read: it does not exist.`,
      `The file ${tokenFile} holds no token.`,
      "mended",
    ])
  })

  test("and whom we ask is proved by certificates, which are read anew", async () => {
    const one = testCertificates()
    const other = testCertificates()
    const made = await folder()
    const files = { caFile: join(made, "ca"), certFile: join(made, "cert"), keyFile: join(made, "key") }
    const write = async ({ ca, client }: typeof one): Promise<void> => {
      await replace(files.caFile, ca)
      await replace(files.certFile, client.cert)
      await replace(files.keyFile, client.key)
    }
    await write(other)
    const fake = await fakeKube({ tls: { ...one.server, ca: one.ca } })
    const { sets, problems } = watching({ server: fake.url, ...files }, PODS)
    await until(() => problems.length === 1)
    expect(sets).toEqual([])
    expect(problems[0]).toMatch(
      /^The Kubernetes API server at https:.* does not answer to list pods in all namespaces: its certificate is not trusted \(\w+\); check caFile\.$/,
    )
    await write(one)
    // Of three files that are replaced one by one a mixture may have been read.
    await until(() => problems.at(-1) === "mended")
    expect(sets).toEqual([[]])
  })

  test("may trust a server blindly, when told so", async () => {
    const { server } = testCertificates()
    const fake = await fakeKube({ tls: server })
    const { sets } = watching({ server: fake.url, insecure: true }, PODS)
    await until(() => sets.length === 1)
    expect(sets).toEqual([[]])
  })
})

describe("a role that lacks", () => {
  test("list is told which verb, kind and scope, once, and the watch begins when it has it", async () => {
    const fake = await fakeKube()
    fake.forbid("list", "pods")
    const { sets, problems } = watching({ server: fake.url }, PODS)
    await until(() => fake.counts.refused > 2)
    expect(sets).toEqual([])
    fake.permit("list", "pods")
    await until(() => problems.length === 2)
    expect(problems).toEqual([
      `The Kubernetes API server at ${fake.url} does not let us list pods in all namespaces (403). Give our service account a ClusterRole with the verb list for pods. It says: pods is forbidden: User "system:serviceaccount:meshscope:agent" cannot list resource "pods" in API group "" at the cluster scope`,
      "mended",
    ])
    expect(sets).toEqual([[]])
  })

  test("watch keeps what was listed, and does not list again and again", async () => {
    const fake = await fakeKube()
    fake.store.put(PODS, { metadata: { namespace: "a", name: "p" } })
    fake.forbid("watch", "pods", "b")
    const { sets, problems } = watching({ server: fake.url }, PODS, { namespace: "a" })
    await until(() => fake.counts.refused > 3)
    expect(sets).toEqual([["a/p"]])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(
      "does not let us watch pods in the namespace a (403). Give our service account a Role in the namespace a with the verb watch for pods.",
    )
    expect(fake.counts.lists).toBe(1)
  })
})

describe("a server in trouble", () => {
  const TROUBLES = [
    [
      "answers 500",
      { status: 500 },
      /answered 500 to list pods in all namespaces\. It says: trouble by the test$/,
    ],
    [
      "says nothing that can be read",
      { text: "<html>" },
      /cannot be understood: it is no list of objects\.$/,
    ],
    ["sends a list without a version", { text: '{"items":[],"metadata":{}}' }, /it is no list of objects\.$/],
    [
      "sends an object without a name",
      { text: '{"items":[{}],"metadata":{"resourceVersion":"1"}}' },
      /it is no list of objects\.$/,
    ],
    [
      "cuts the connection",
      "cut",
      /does not answer to list pods in all namespaces: the connection was closed\.$/,
    ],
    [
      "says nothing at all",
      "hang",
      /does not answer to list pods in all namespaces: no answer came in time\.$/,
    ],
  ] as const
  for (const [what, answer, says] of TROUBLES)
    test(`that ${what} is asked again; nothing is handed over meanwhile`, async () => {
      const fake = await fakeKube()
      fake.troubles.push({ verb: "list", answer }, { verb: "list", answer })
      const { sets, problems } = watching(
        { server: fake.url },
        PODS,
        {},
        // Of the others each answer may take its time.
        { answerMs: answer === "hang" ? 400 : 30_000 },
      )
      await until(() => problems.length === 2)
      expect(problems[0]).toMatch(says)
      expect(problems[1]).toBe("mended")
      expect(sets).toEqual([[]])
      expect(fake.counts.lists).toBe(1)
    })

  test("is not asked before the time that it asked for", async () => {
    const fake = await fakeKube()
    fake.troubles.push({ verb: "list", answer: { status: 429, retryAfterSeconds: 1 } })
    const begun = performance.now()
    const { sets } = watching({ server: fake.url }, PODS)
    await until(() => sets.length === 1)
    expect(performance.now() - begun).toBeGreaterThan(990)
  })

  test("that is away is waited for, with the set that there was; nobody listens at first, then it comes back", async () => {
    const first = await fakeKube()
    first.store.put(PODS, { metadata: { namespace: "a", name: "p" } })
    const { sets, problems } = watching({ server: first.url }, PODS)
    await until(() => first.watches.open === 1)
    await first.stop()
    await until(() => problems.length === 1)
    expect(problems[0]).toMatch(/does not answer to watch pods in all namespaces: nobody listens there\.$/)
    const second = await fakeKube({ port: first.port })
    second.store.version = 5000
    second.store.compact()
    await until(() => sets.length === 2)
    expect(sets).toEqual([["a/p"], []])
  })

  test("whose list is too large for one answer is asked for pages", async () => {
    const fake = await fakeKube()
    for (let at = 0; at < 20; at++)
      fake.store.put(PODS, {
        metadata: { namespace: "a", name: `p${at}` },
        spec: { nodeName: "n", fill: "x".repeat(100) },
      })
    const scope = { fieldSelector: "spec.nodeName=n" }
    const { sets } = watching({ server: fake.url }, PODS, scope, { page: 5, pageBytes: 3000 })
    await until(() => sets.length === 1)
    expect(sets[0]).toHaveLength(20)
    expect(fake.counts).toMatchObject({ lists: 2, pages: 3 })
  })
})

describe("one read", () => {
  test("gives the JSON that is there", async () => {
    const fake = await fakeKube()
    fake.store.put(NAMESPACES, { metadata: { name: "a" } })
    await expect(apiOf({ server: fake.url }).read("/api/v1/namespaces/a", never)).resolves.toMatchObject({
      kind: "Namespace",
      metadata: { name: "a" },
    })
  })

  test("says by its code what is wrong: refused, unknown, unreadable, unreachable", async () => {
    const fake = await fakeKube()
    fake.forbid("get", "namespaces")
    const api = apiOf({ server: fake.url })
    const error = (path: string) => api.read(path, never).catch((cause: unknown) => cause)
    expect(await error("/api/v1/namespaces/a?x=1")).toMatchObject({
      code: "KUBE_REFUSED",
      message: expect.stringContaining("does not let us get /api/v1/namespaces/a (403)"),
    })
    expect(await error("/nothing")).toMatchObject({
      code: "KUBE_BAD_ANSWER",
      message: `The Kubernetes API server at ${fake.url} answered 404 to get /nothing. It says: 404 page not found`,
    })
    fake.troubles.push({ verb: "get", answer: { text: "[" } })
    expect(await error("/version")).toMatchObject({ code: "KUBE_BAD_ANSWER" })
    await fake.stop()
    expect(await error("/version")).toMatchObject({ code: "KUBE_UNREACHABLE", retryable: true })
  })
})

describe("the access", () => {
  const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "6443" }
  const pod = { tokenFile: `${SERVICE_ACCOUNT}/token`, caFile: `${SERVICE_ACCOUNT}/ca.crt` }
  test.for([
    ["a pod's own", {}, env, { server: "https://10.0.0.1:6443", ...pod }],
    [
      "a pod's own by IPv6",
      {},
      { KUBERNETES_SERVICE_HOST: "fd00::1" },
      { server: "https://[fd00::1]:443", ...pod },
    ],
    [
      "a pod's own with a token of one's own",
      { tokenFile: "/t" },
      env,
      { server: "https://10.0.0.1:6443", ...pod, tokenFile: "/t" },
    ],
    [
      "a named server, to which the pod's token is not shown",
      { server: "https://k/" },
      env,
      { server: "https://k" },
    ],
    ["kubectl's proxy", { server: "http://127.0.0.1:8001" }, {}, { server: "http://127.0.0.1:8001" }],
  ] as const)("%s", ([, settings, given, access]) => {
    expect(kubeAccess(kubeAccessSchema.parse(settings), given)).toEqual(access)
  })

  test("must be named outside of a pod", () => {
    expect(() => kubeAccess(kubeAccessSchema.parse({}), {})).toThrow(/^This is no pod .*set api\.server/)
  })

  test.for([
    [{ server: "http://10.0.0.1:8080" }, "http is for loopback only"],
    [{ server: "http://127.0.0.1.example.com:8080" }, "http is for loopback only"],
    [{ server: "http://localhost.example.com:8080" }, "http is for loopback only"],
    [{ server: "https://user:word@k" }, "expects a URL"],
    [{ server: "k:443" }, "expects a URL"],
    [{ certFile: "/c" }, "expects both certFile and keyFile"],
  ] as const)("is refused: %j", ([settings, says]) => {
    expect(kubeAccessSchema.safeParse(settings).error?.issues[0]?.message).toContain(says)
  })
})
