// The nodes of a cluster as a table.

import type { NodeStatus } from '../../cluster/cluster.ts'
import type { Style } from './style.ts'
import { renderTable } from './table.ts'

export function renderNodes(nodes: readonly NodeStatus[], style: Style): string {
  const colours = { running: 'green', unready: 'yellow', stopped: 'red' } as const
  return renderTable<NodeStatus>(
    [
      { head: 'NODE', cell: ({ node }) => node },
      { head: 'KIND', cell: ({ kind }) => kind },
      { head: 'STATE', cell: ({ state }) => style(colours[state], state) },
      { head: 'ADDRESS', cell: ({ address }) => address ?? '-' },
      { head: 'PID', align: 'right', cell: ({ pid }) => pid ?? '-' },
      { head: 'LEADER', cell: ({ leader }) => (leader ? 'yes' : '') },
    ],
    nodes,
    style,
  )
}
