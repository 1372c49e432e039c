import { html } from "hono/html"
import type { Wrong } from "./asked.ts"
import { link, type PageQuery } from "./shell.ts"
import type { Markup } from "./words.ts"

/** The address with one parameter put right, or left out. */
function mended(path: string, parameters: URLSearchParams, parameter: string, value?: string): string {
  const next = new URLSearchParams(parameters)
  next.delete(parameter)
  if (value !== undefined) next.set(parameter, value)
  const text = next.toString()
  return text === "" ? path : `${path}?${text}`
}

function sentence({ parameter, value, why }: Wrong): Markup {
  const name = html`<code>${parameter}</code>`
  if (why === "unknown") return html`This page knows no ${name}.`
  if (why === "twice") return html`${name} stands twice in the address.`
  if (why === "long") return html`${name} is longer than any name.`
  return html`${name} cannot be <code>${value === "" ? "empty" : value}</code>.`
}

function offers(
  path: string,
  parameters: URLSearchParams,
  { parameter, value, allowed, why }: Wrong,
): Markup {
  if (why === "twice")
    return html`<a href="${mended(path, parameters, parameter, value)}">Take the first, ${value}</a>`
  if (allowed.length === 0) return html`<a href="${mended(path, parameters, parameter)}">Go on without it</a>`
  return html`It can be ${allowed.map(
    (word, index) =>
      html`${index === 0 ? "" : index === allowed.length - 1 ? " or " : ", "}<a href="${mended(path, parameters, parameter, word)}">${word}</a>`,
  )}.`
}

/** What is said in place of a page whose address cannot be taken as it is: what is wrong, and addresses that are right. */
export function refusedMain(path: string, parameters: URLSearchParams, wrongs: readonly Wrong[]): Markup {
  return html`<div class="title"><h1>This address asks for something that is not there</h1></div>
<section class="calm" aria-label="What is wrong with it">${wrongs.map(
    (wrong) => html`<p>${sentence(wrong)} ${offers(path, parameters, wrong)}</p>`,
  )}<p><a href="${path}">The page as it is by default</a></p></section>`
}

/** A mesh that nobody told of, with those that are known. */
export function noMeshMain(path: string, query: PageQuery, meshes: readonly string[]): Markup {
  const known = meshes.map(
    (mesh, index) => html`${index === 0 ? "" : ", "}<a href="${link(path, { ...query, mesh })}">${mesh}</a>`,
  )
  return html`<div class="title"><h1>No mesh is called ${query.mesh ?? ""}</h1></div>
<section class="calm" aria-label="Meshes that are known"><p>${meshes.length === 0 ? "No mesh is known yet." : html`Known: ${known}.`}</p><p><a href="${link(path, { ...query, mesh: undefined })}">All meshes</a></p></section>`
}

/** A route that is not there. */
export function noRouteMain(query: PageQuery): Markup {
  return html`<div class="title"><h1>No such route</h1></div>
<section class="calm" aria-label="Where to look"><p>No route has this address. It may have been removed from the mesh.</p><p><a href="${link("/routes", query)}">All routes</a></p></section>`
}
