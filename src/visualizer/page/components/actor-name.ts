// An actor's name on the page: a download has its file's name, a session its peer's, and any other actor its own name.

import type { ActorView, ProcessView } from '../data/model.ts'

export function actorName({ name, process }: Pick<ActorView, 'name' | 'process'>): string {
  const number = /^download[-:](\d+)$/.exec(name)?.[1]
  const file = number === undefined ? undefined : process.downloads.get(Number(number))?.report.name
  if (file !== undefined) return file
  const peer = /^session:([^/]+)\/(.+)$/.exec(name)
  if (peer) return `session with ${peer[1]}`
  // An upload session is named by its connection's id.
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name) ? `serving ${name.slice(0, 4)}` : name
}

export const processName = ({ isTracker, user, device }: Pick<ProcessView, 'isTracker' | 'user' | 'device'>): string =>
  isTracker ? `tracker ${device}` : `${user} on ${device.slice(0, 6)}`
