// The chosen theme, and its colours for what is drawn on a canvas, which knows no custom properties.

import { signal } from '@preact/signals'

export const peerColours = 8

/** Changes with the theme. A component that draws on a canvas reads it, to be drawn again then. */
export const themeVersion = signal(0)

let resolved = new Map<string, string>()
let probe: HTMLElement | undefined

/** `name` is a custom property of style/theme.css. */
export function colour(name: string): string {
  const known = resolved.get(name)
  if (known !== undefined) return known
  if (probe === undefined) {
    probe = document.createElement('span')
    probe.hidden = true
    document.body.append(probe)
  }
  probe.style.color = `var(${name})`
  const value = getComputedStyle(probe).color
  resolved.set(name, value)
  return value
}

export type Theme = 'auto' | 'light' | 'dark'
export const theme = signal<Theme>('auto')

function forget() {
  resolved = new Map()
  themeVersion.value += 1
}

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen
  if (chosen === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
  try {
    localStorage.setItem('theme', chosen)
  } catch {
    // The browser stores nothing, so the choice lasts for this visit only.
  }
  forget()
}

export function loadTheme(): void {
  let kept: string | null = null
  try {
    kept = localStorage.getItem('theme')
  } catch {
    // As above.
  }
  if (kept === 'light' || kept === 'dark') chooseTheme(kept)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', forget)
}
