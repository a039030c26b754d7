// A group that stands after another argument: the failure then says the right order.

import { isId } from '../domain/names.ts'
import { listAll } from './ask.ts'
import type { Context } from './context.ts'
import type { Result } from './result.ts'
import { quoted } from './shell/split-words.ts'

/**
 * `result`, or if it failed for want of the group while `other` names one, the same failure with the right order of
 * arguments: `name` is the command's, `rest` what follows the two.
 */
export async function hintGroupFirst<T>(
  context: Context,
  result: Result<T>,
  { name, group, other, rest = [] }: { name: string; group: string; other: string; rest?: readonly string[] },
): Promise<Result<T>> {
  if (result.ok || !['no-such-group', 'invalid-name'].includes(result.code) || !isId(other)) return result
  const groups = await listAll(context, 'group.list', {})
  if (!groups.ok || !groups.value.some(each => each.group === other)) return result
  const args = [other, group, ...rest].map(quoted).join(' ')
  return { ...result, message: `${quoted(group)} is not a group; the group comes first: shoal ${name} ${args}` }
}
