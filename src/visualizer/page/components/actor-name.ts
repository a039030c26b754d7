// What people call an actor: its own name in its process, with the file's where it is of a download.

import type { ActorView, ProcessView } from '../data/model.ts'

export function actorName({ name, process }: Pick<ActorView, 'name' | 'process'>): string {
  const number = /^download[-:](\d+)$/.exec(name)?.[1]
  const file = number === undefined ? undefined : process.downloads.get(Number(number))?.report.name
  if (file !== undefined) return file
  const peer = /^link:([^/]+)\/(.+)$/.exec(name)
  if (peer) return `link to ${peer[1]}`
  // A link that is served is called by its connection's id.
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name) ? `serving ${name.slice(0, 4)}` : name
}

export const processName = ({ isTracker, user, device }: Pick<ProcessView, 'isTracker' | 'user' | 'device'>): string =>
  isTracker ? `tracker ${device}` : `${user} on ${device.slice(0, 6)}`
