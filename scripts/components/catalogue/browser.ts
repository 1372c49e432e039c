import type { Component, InstalledSource, Package } from "../source.ts"

const chromium: Package<InstalledSource> = {
  name: "chromium",
  version: "of this system",
  source: {
    kind: "installed",
    packages: ["chromium-headless-shell", "fonts-dejavu-core"],
    paths: ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser"],
    // without a font every text is empty, and the page's tests would see nothing
    alsoNeeded: ["/usr/share/fonts/truetype"],
  },
  otherwise:
    "As root: apt-get install --no-install-recommends chromium-headless-shell fonts-dejavu-core. Or name a Chromium by CHROMIUM.",
}

/** What shows the page. */
export const BROWSER = { chromium: { package: chromium } } satisfies Record<string, Component>
