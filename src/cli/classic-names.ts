// The assignment's names for our commands: one table, from which the parser makes its aliases.

import type { Input } from './command.ts'
import { isPathSecond } from './is-path-second.ts'

export interface Classic {
  readonly name: string
  /** The name of the command that it stands for. */
  readonly stands: string
  /** The assignment's order of arguments may differ from ours. */
  reorder?(input: Input): Input
}

/** `upload_file` takes its path and group in either order. */
function pathFirst(input: Input): Input {
  const path = String(input.path)
  const group = String(input.group)
  return isPathSecond(path, group) ? { ...input, path: group, group: path } : input
}

export const classics: readonly Classic[] = [
  { name: 'create_user', stands: 'signup' },
  { name: 'create_group', stands: 'group create' },
  { name: 'join_group', stands: 'group join' },
  { name: 'leave_group', stands: 'group leave' },
  { name: 'list_groups', stands: 'group list' },
  { name: 'list_requests', stands: 'group requests' },
  { name: 'accept_request', stands: 'group accept' },
  { name: 'reject_request', stands: 'group reject' },
  { name: 'upload_file', stands: 'share', reorder: pathFirst },
  { name: 'list_files', stands: 'files' },
  { name: 'download_file', stands: 'download' },
  { name: 'show_downloads', stands: 'downloads' },
  { name: 'stop_share', stands: 'unshare' },
  { name: 'quit', stands: 'cluster down' },
]
