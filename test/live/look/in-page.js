// Checks that run in the page itself, before and beside its own script.
/** Texts of map boxes that reach out of their box, or into each other. */
function textsOutside() {
  const found = []
  for (const box of document.querySelectorAll(".map .box")) {
    const frame = box.querySelector("rect")?.getBBox()
    const texts = [...box.querySelectorAll("text")].map((text) => ({
      text: text.textContent,
      at: text.getBBox(),
    }))
    if (frame === undefined) continue
    for (const { text, at } of texts) {
      const over = at.x + at.width - (frame.x + frame.width)
      if (at.x < frame.x || over > 0 || at.y < frame.y - 1 || at.y + at.height > frame.y + frame.height + 1)
        found.push(`${text}: ${Math.round(over)} px over`)
    }
    const [name, number] = texts
    if (name !== undefined && number !== undefined && Math.abs(name.at.y - number.at.y) < 5)
      if (name.at.x + name.at.width > number.at.x) found.push(`${name.text} runs into ${number.text}`)
  }
  return found
}

const count = (selector) => document.querySelectorAll(selector).length
const named = (element) =>
  (element.getAttribute("aria-label") ?? "") !== "" ||
  (document.getElementById(element.getAttribute("aria-labelledby") ?? "")?.textContent ?? "") !== ""

/** What a page lacks of what everybody needs: one heading, landmarks, captions, heads of columns and rows, names. */
function structureFaults() {
  const faults = []
  const one = (selector) => {
    if (count(selector) !== 1) faults.push(`${count(selector)} of ${selector}`)
  }
  for (const selector of ["h1", "main", "body > header", "body > footer", "html[lang]", "[role=status]"])
    one(selector)
  for (const element of document.querySelectorAll("nav, section, [role=region], form.filters"))
    if (!named(element)) faults.push(`no name: ${element.outerHTML.slice(0, 80)}`)
  for (const table of document.querySelectorAll("table")) {
    const text = table.querySelector("caption")?.textContent ?? ""
    if (text === "") faults.push("a table without caption")
    for (const head of table.querySelectorAll("th"))
      if (!head.hasAttribute("scope")) faults.push(`no scope: ${text}, ${head.textContent}`)
    if (table.querySelector("tbody tr:not(.group) th") === null && table.querySelector(".muted") === null)
      faults.push(`no row header: ${text}`)
  }
  for (const field of document.querySelectorAll("select, input:not([type=hidden])"))
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement)
      if ((field.labels?.length ?? 0) === 0) faults.push(`no label: ${field.outerHTML}`)
  for (const element of document.querySelectorAll("[style]"))
    faults.push(`style: ${element.outerHTML.slice(0, 80)}`)
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id)
  for (const id of new Set(ids))
    if (ids.filter((each) => each === id).length > 1) faults.push(`twice: #${id}`)
  return faults
}

/** Text whose colour is too near to what lies behind it (WCAG 1.4.3: 4.5 to 1), in the theme that is shown. */
function faintTexts() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const channels = (colour) => {
    if (canvas === null) throw new Error("no canvas")
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const luminance = (colour) =>
    channels(colour)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, index) => sum + value * ([0.2126, 0.7152, 0.0722][index] ?? 0), 0)
  const ground = (element) => {
    const frame = element?.closest(".box")?.querySelector("rect")
    if (frame) return getComputedStyle(frame).fill
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor
      if ((channels(colour)[3] ?? 0) > 0) return colour
    }
    return "white"
  }
  const found = new Set()
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement
    const text = node.textContent?.trim() ?? ""
    if (element === null || text === "" || element.closest(".vh, .skip, title, desc, option, noscript"))
      continue
    const style = getComputedStyle(element)
    const colour = element instanceof SVGElement ? style.fill : style.color
    const [a, b] = [luminance(colour), luminance(ground(element))]
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (ratio < 4.5) found.add(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`)
  }
  return [...found]
}

const number = (box, name) => Number(box.querySelector("rect").getAttribute(name))

/** Boxes of the map from left to right, each column from the top. */
function columnOrder() {
  return [...document.querySelectorAll(".map .box")]
    .toSorted((a, b) => number(a, "x") - number(b, "x") || number(a, "y") - number(b, "y"))
    .map((box) => box.dataset.place)
}

function soundness() {
  const beside = Math.max(0, document.documentElement.scrollWidth - innerWidth)
  return { structure: structureFaults(), faint: faintTexts(), beside }
}

/** What a colour token is in the theme that is shown. */
function token(name) {
  const probe = document.body.appendChild(document.createElement("i"))
  probe.style.color = `var(--${name})`
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

const textColour = (element) => getComputedStyle(element).color

function drawnBox(box) {
  const style = (selector) => getComputedStyle(box.querySelector(selector))
  const { stroke, fill } = style("rect")
  return { edge: stroke, ground: fill, number: style(".m").fill, mark: style("use").color }
}

/** The box of a `use` is that of what its symbol draws: none where it draws nothing. */
function drawnSymbol(use) {
  const symbol = document.querySelector(use.getAttribute("href"))
  const { width, height } = use.getBBox()
  return { shape: symbol?.innerHTML.trim() ?? "", area: width * height }
}

const near = (value, wished) => Math.abs(value - wished) <= 2

/** Pixels of a picture (PNG in base64) that have a colour such as `rgb(213, 94, 0)`. */
async function pixelsOf({ picture, colour }) {
  const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0))
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }))
  const canvas = document.createElement("canvas")
  Object.assign(canvas, { width: bitmap.width, height: bitmap.height })
  const context = canvas.getContext("2d", { willReadFrequently: true })
  if (context === null) throw new Error("no canvas")
  context.drawImage(bitmap, 0, 0)
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height)
  const [red, green, blue] = (colour.match(/\d+/g) ?? []).map(Number)
  let found = 0
  for (let at = 0; at < data.length; at += 4)
    if (near(data[at], red) && near(data[at + 1], green) && near(data[at + 2], blue)) found++
  return found
}

globalThis.look = { textsOutside, soundness, columnOrder, token, drawnBox, drawnSymbol, textColour, pixelsOf }
