// Which view is open, and what is chosen in it. The view is in the address, so that the browser's Back works.

import { signal } from '@preact/signals'

export const viewNames = ['downloads', 'machines', 'messages', 'cluster'] as const
export type ViewName = (typeof viewNames)[number]

export const view = signal<ViewName>('downloads')
/** The key of a download or an actor. */
export const chosenDownload = signal<string | undefined>(undefined)
export const chosenActor = signal<string | undefined>(undefined)

function read() {
  const name = viewNames.find(each => location.hash === `#/${each}`)
  if (name) view.value = name
}

export function openView(name: ViewName): void {
  view.value = name
  if (location.hash !== `#/${name}`) history.pushState(null, '', `#/${name}`)
}

export function followActor(key: string): void {
  chosenActor.value = key
  openView('machines')
}

export function startRouting(): void {
  read()
  addEventListener('popstate', read)
}
