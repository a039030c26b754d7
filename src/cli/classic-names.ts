// The assignment's names for commands: one table, from which the parser makes its aliases. They are spellings of the
// same commands, not commands of their own.

import { existsSync } from 'node:fs'
import { isId } from '../domain/names.ts'
import type { Input } from './command.ts'

export interface Classic {
  readonly name: string
  /** The words of the command that it stands for. */
  readonly stands: string
  /** The assignment's order of arguments may differ from ours. */
  reorder?(input: Input): Input
}

/** `upload_file` is written in either order; the path is what names something on disk, or else what is no group's name. */
function pathFirst(input: Input): Input {
  const path = String(input.path)
  const group = String(input.group)
  const isSwapped = existsSync(path) === existsSync(group) ? isId(path) && !isId(group) : existsSync(group)
  return isSwapped ? { ...input, path: group, group: path } : input
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
