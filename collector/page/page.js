// The page's whole script: theme, live refresh, mesh chooser, paths on the map. Without it everything is a link or a form.
const root = document.documentElement
const theme = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem("theme")
if (theme === "light" || theme === "dark") root.dataset.theme = theme

const REFRESH_MS = 5000
const WORDS = { on: "Live", off: "Paused", away: "No answer" }
let live = localStorage.getItem("live") !== "off"
let away = false
let etag = ""

function announce(text) {
  document.querySelector("[data-announce]").textContent = text
}

function showLive() {
  for (const button of document.querySelectorAll("[data-live]")) {
    button.dataset.live = live ? (away ? "away" : "on") : "off"
    button.textContent = WORDS[button.dataset.live]
    button.setAttribute("aria-pressed", String(live))
  }
}

/** The collector went away, or came back. The page keeps its last data, whose time it shows. */
function setAway(next) {
  if (next === away) return
  away = next
  showLive()
  announce(
    away ? "The collector does not answer; the page shows its last data." : "The collector answers again.",
  )
}

/** What tells an element apart from the others of its block, over a refresh. */
function keyOf(element) {
  const text = element.getAttribute("href") ?? element.getAttribute("aria-label") ?? element.textContent
  return `${element.tagName} ${element.id} ${text}`
}

const FOCUSABLE = "a, button, input, select, summary, [tabindex]"

/** Someone types or chooses in the block, or has marked text in it: it is left as it is. */
function busy(block) {
  const selection = getSelection()
  return (
    block.contains(document.activeElement?.closest("form") ?? null) ||
    (selection !== null && !selection.isCollapsed && block.contains(selection.anchorNode))
  )
}

/** Puts fresh content into a block; keeps focus, sideways scroll, opened details and the chosen view. */
function renew(block, fresh) {
  const active = block.contains(document.activeElement) ? keyOf(document.activeElement) : null
  const regions = [...block.querySelectorAll(".scroll")].map((region) => region.scrollLeft)
  const open = [...block.querySelectorAll("details[open]")].map((details) => details.id)
  const table = block.querySelector("#as-table")?.checked ?? false
  block.innerHTML = fresh.innerHTML
  for (const [index, region] of [...block.querySelectorAll(".scroll")].entries())
    region.scrollLeft = regions[index] ?? 0
  for (const id of open) document.getElementById(id)?.setAttribute("open", "")
  const choice = block.querySelector("#as-table")
  if (choice && table) choice.checked = true
  if (active === null) return
  const again = [...block.querySelectorAll(FOCUSABLE)].find((element) => keyOf(element) === active)
  again?.focus({ preventScroll: true })
}

function swap(next) {
  const before = document.querySelector("h1")?.textContent
  for (const block of document.querySelectorAll("[data-block]")) {
    const fresh = next.querySelector(`[data-block="${block.dataset.block}"]`)
    if (fresh && fresh.innerHTML !== block.innerHTML && !busy(block)) renew(block, fresh)
  }
  document.title = next.title
  const after = document.querySelector("h1")?.textContent
  if (after !== before) announce(after ?? "")
}

async function refresh() {
  if (live && !document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: etag ? { "if-none-match": etag } : {} })
      if (answer.ok) {
        etag = answer.headers.get("etag") ?? ""
        swap(new DOMParser().parseFromString(await answer.text(), "text/html"))
      }
      setAway(false)
    } catch {
      setAway(true)
    }
  }
  setTimeout(refresh, REFRESH_MS)
}

/** Boxes and edges that stand on a path through one box: all before it and all after it. */
function pathThrough(map, place) {
  const edges = [...map.querySelectorAll("[data-ends]")].map((edge) => {
    const [source, target] = edge.dataset.ends.split(" ")
    return { edge, source, target }
  })
  const kept = new Set([place])
  const walk = (from, to) => {
    const seen = new Set([place])
    for (const here of seen)
      for (const each of edges)
        if (each[from] === here) {
          kept.add(each.edge).add(each[to])
          seen.add(each[to])
        }
  }
  walk("source", "target")
  walk("target", "source")
  return kept
}

/** Dims what no path through the box touches; without a box nothing is dimmed. */
function highlight(box) {
  const map = document.querySelector(".map")
  if (!map) return
  const kept = box ? pathThrough(map, box.dataset.place) : undefined
  for (const other of map.querySelectorAll("[data-place]"))
    other.classList.toggle("dim", kept !== undefined && !kept.has(other.dataset.place))
  for (const edge of map.querySelectorAll("[data-ends]"))
    edge.classList.toggle("dim", kept !== undefined && !kept.has(edge))
}

addEventListener("DOMContentLoaded", () => {
  showLive()
  setTimeout(refresh, REFRESH_MS)
})
addEventListener("change", ({ target }) => {
  if (target.id === "mesh") target.form.requestSubmit()
})
for (const kind of ["mouseover", "focusin"])
  addEventListener(kind, ({ target }) => {
    highlight(target.closest?.(".map .box"))
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
