// A machine as a Mermaid state diagram, for documents: states and the events between them. Actions, and transitions that
// change no state, are left out to keep it readable.

import type { AnyStateMachine } from 'xstate'
import { type Outline, type OutlineNode, outlineOf } from './outline.ts'

/** Mermaid's ids allow letters, digits and "_". Its labels end with the line, or sooner at ":" or ";". */
const idOf = (id: string) => id.replaceAll(/[^A-Za-z0-9]/g, '_')
const labelOf = (text: string) => text.replaceAll(';', ',').replaceAll(':', ' ')

export function toMermaid(machine: AnyStateMachine): string {
  const outline = outlineOf(machine)
  const [root] = outline.nodes
  return ['stateDiagram-v2', ...inside(outline, root!).map(line => `  ${line}`)].join('\n')
}

function inside(outline: Outline, parent: OutlineNode): string[] {
  const children = outline.nodes.filter(node => node.parent === parent.id)
  const states = children.flatMap((child, index) => {
    const within = inside(outline, child)
    const block =
      within.length === 0
        ? [`state "${child.key}" as ${idOf(child.id)}`]
        : [`state "${child.key}" as ${idOf(child.id)} {`, ...within.map(line => `  ${line}`), '}']
    const start = child.isInitial ? [`[*] --> ${idOf(child.id)}`] : []
    const end = child.kind === 'final' ? [`${idOf(child.id)} --> [*]`] : []
    return [...(parent.kind === 'parallel' && index > 0 ? ['--'] : []), ...block, ...start, ...end]
  })
  const own = new Set(children.map(({ id }) => id))
  const edges = outline.edges.filter(({ source, target }) => target !== null && own.has(source))
  const arrows = edges.map(({ source, target, label, guard }) => {
    const text = guard === null ? label : `${label} [${guard}]`
    return `${idOf(source)} --> ${idOf(target!)} : ${labelOf(text)}`
  })
  return [...states, ...arrows]
}
