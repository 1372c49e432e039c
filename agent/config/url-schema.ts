import * as z from "zod"

/** A whole address, kept as it was written. Passwords are refused: they would stand in the configuration. */
export function urlSchema(example: string) {
  return checked(
    `expects a URL such as ${example}`,
    (url) => (url.hash === "" ? undefined : "without #"),
    (url) => url.href,
  )
}

/** An address to which paths are added: without query, and without a slash at its end. */
export function baseUrlSchema(example: string) {
  return checked(
    `expects a URL such as ${example}`,
    (url) => (url.search === "" && url.hash === "" ? undefined : "without query"),
    (url) => `${url.origin}${url.pathname.replace(/\/+$/, "")}`,
  )
}

function checked(expects: string, surplus: (url: URL) => string | undefined, kept: (url: URL) => string) {
  const problemOf = (url: URL | null): string | undefined => {
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return expects
    // Not "expects …": the value is not repeated, since it holds a password.
    if (url.username !== "" || url.password !== "") return "holds a password; give it as a header from a file"
    const more = surplus(url)
    return more === undefined ? undefined : `${expects}, ${more}`
  }
  return z
    .string({ error: expects })
    .transform((text, context) => {
      const url = URL.parse(text)
      const problem = problemOf(url)
      if (url !== null && problem === undefined) return kept(url)
      context.addIssue({ code: "custom", message: problem ?? expects })
      return z.NEVER
    })
    .meta({ title: "URL" })
}
