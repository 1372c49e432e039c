/**
 * Width of a text in px at 12 px, for the widest usual system font (Verdana-like), so that a name fits whichever font
 * the reader has. Classes of glyphs are enough: names are ASCII.
 */
export function textWidth(text: string, size = 12): number {
  let units = 0
  for (const char of text) {
    if ("il.,:;|!'".includes(char)) units += 0.36
    else if ("fjrt()/- ".includes(char)) units += 0.46
    else if ("mwMW@%".includes(char)) units += 1
    else if (char >= "A" && char <= "Z") units += 0.76
    else units += char > "\u00ff" ? 1 : 0.66
  }
  return units * size
}

/** What every service of a Kubernetes cluster has in its name: `.svc.cluster.local`. */
const CLUSTER_DOMAIN = /\.svc\.[^/]+/

/**
 * Whole when it fits; else without the domain of the cluster, which tells nothing; else cut in the middle, so that `-v1`
 * and `-v2` stay apart.
 */
export function fitted(whole: string, width: number, size = 12): string {
  if (textWidth(whole, size) <= width) return whole
  const name = whole.replace(CLUSTER_DOMAIN, "…")
  if (textWidth(name, size) <= width) return name
  let tail = Math.min(14, Math.floor(name.length / 2))
  for (let head = name.length - tail; head > 0; head--) {
    const cut = `${name.slice(0, head)}…${name.slice(name.length - tail)}`
    if (textWidth(cut, size) <= width) return cut
  }
  for (; tail > 1; tail--)
    if (textWidth(`…${name.slice(-tail)}`, size) <= width) return `…${name.slice(-tail)}`
  return "…"
}
