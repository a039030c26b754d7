// Which states of a chart a state value names: the machine itself, and every state that is active in it.

import type { ChartNode, MachineChart } from '../../../wire/machine-chart.ts'

export function activeNodes(chart: MachineChart, value: unknown): Set<string> {
  const active = new Set<string>()
  const childOf = (parent: string, key: string) => chart.nodes.find(node => node.parent === parent && node.key === key)
  const enter = (node: ChartNode, inner: unknown) => {
    active.add(node.id)
    if (typeof inner === 'string') {
      const child = childOf(node.id, inner)
      if (child) active.add(child.id)
    } else if (typeof inner === 'object' && inner !== null) {
      for (const [key, more] of Object.entries(inner)) {
        const child = childOf(node.id, key)
        if (child) enter(child, more)
      }
    }
  }
  if (chart.nodes[0]) enter(chart.nodes[0], value)
  return active
}

/** For a line of a list: "fetching · transferring". */
export function stateWords(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return ''
  return Object.entries(value)
    .map(([key, inner]) => {
      const below = stateWords(inner)
      return below === '' ? key : `${key} · ${below}`
    })
    .join(', ')
}
