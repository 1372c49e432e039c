import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"

/** Who the API server is, who it is to the kubelet, and what service accounts' tokens are signed with. Paths of files. */
export interface Credentials {
  readonly ca: string
  readonly server: { readonly cert: string; readonly key: string }
  readonly toKubelet: { readonly cert: string; readonly key: string }
  readonly accounts: string
  readonly tokens: string
}

export const ADMIN_TOKEN = "administrator"

/** @param address where the API server is reached, also by pods */
export function makeCredentials(folder: string, address: string): Credentials {
  const run = (...words: string[]): void =>
    void execFileSync("openssl", words, { cwd: folder, stdio: "ignore" })
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  run(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "1",
    "-subj",
    "/CN=Test authority",
  )
  const signed = (name: string, subject: string, extension: string): Credentials["server"] => {
    file(`${name}.ext`, extension)
    run("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject)
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1"]
    run("x509", "-req", "-in", `${name}.csr`, ...issuer, "-extfile", `${name}.ext`, "-out", `${name}.pem`)
    return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  }
  run("genrsa", "-out", "accounts.key", "2048")
  return {
    ca: join(folder, "ca.pem"),
    server: signed("server", "/CN=server", `subjectAltName=IP:${address},DNS:kubernetes.default.svc\n`),
    toKubelet: signed("kubelet-client", "/O=system:masters/CN=server", "extendedKeyUsage=clientAuth\n"),
    accounts: join(folder, "accounts.key"),
    tokens: file("tokens.csv", `${ADMIN_TOKEN},admin,1,system:masters\n`),
  }
}
