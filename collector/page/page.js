// The page's whole script: theme, live refresh, mesh chooser. Without it everything is a link or a form.
const root = document.documentElement
const theme = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem("theme")
if (theme === "light" || theme === "dark") root.dataset.theme = theme

const REFRESH_MS = 5000
let live = localStorage.getItem("live") !== "off"
let etag = ""

function showLive() {
  for (const button of document.querySelectorAll("[data-live]")) {
    button.dataset.live = live ? "on" : "off"
    button.textContent = live ? "Live" : "Paused"
  }
}

/** Swaps the blocks that changed, keeps focus, scroll and what is being typed. */
function swap(next) {
  const before = document.querySelector("h1")?.textContent
  for (const block of document.querySelectorAll("[data-block]")) {
    const fresh = next.querySelector(`[data-block="${block.dataset.block}"]`)
    if (
      !fresh ||
      fresh.innerHTML === block.innerHTML ||
      block.contains(document.activeElement?.closest("form"))
    )
      continue
    const focused = block.contains(document.activeElement)
      ? document.activeElement.getAttribute("href")
      : null
    const table = document.querySelector("#as-table")?.checked
    block.innerHTML = fresh.innerHTML
    const again = block.querySelector("#as-table")
    if (again && table) again.checked = true
    if (focused)
      [...block.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus()
  }
  document.title = next.title
  const after = document.querySelector("h1")?.textContent
  if (after !== before) document.querySelector("[data-announce]").textContent = after ?? ""
}

async function refresh() {
  if (live && !document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: etag ? { "if-none-match": etag } : {} })
      if (answer.ok) {
        etag = answer.headers.get("etag") ?? ""
        swap(new DOMParser().parseFromString(await answer.text(), "text/html"))
      }
    } catch {
      // The collector is away: the page keeps its last data, whose age it shows.
    }
  }
  setTimeout(refresh, REFRESH_MS)
}

addEventListener("DOMContentLoaded", () => {
  showLive()
  setTimeout(refresh, REFRESH_MS)
})
addEventListener("change", ({ target }) => {
  if (target.id === "mesh") target.form.requestSubmit()
})
addEventListener("click", ({ target }) => {
  if (target.closest("[data-theme-toggle]")) {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches
    root.dataset.theme = dark ? "light" : "dark"
    localStorage.setItem("theme", root.dataset.theme)
  }
  if (target.closest("[data-live]")) {
    live = !live
    localStorage.setItem("live", live ? "on" : "off")
    showLive()
  }
})
