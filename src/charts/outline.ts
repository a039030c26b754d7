// What a drawing of a machine shows, taken from its definition: states, transitions and their texts, in the order of the
// definition. Nothing here knows about pixels.

import { createHash } from 'node:crypto'
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import { transitionId } from '../machines/transition-id.ts'
import { actionName, eventMeaning, guardName, sourceName } from '../machines/xstate-internals.ts'
import type { ChartEdge, ChartNode } from '../wire/machine-chart.ts'

type Placed = 'x' | 'y' | 'width' | 'height'
export type OutlineNode = Omit<ChartNode, Placed>
export type OutlineEdge = Omit<ChartEdge, 'points' | 'text'> & { readonly lines: readonly string[] }

export interface Outline {
  readonly id: string
  readonly digest: string
  /** Parents before their children. */
  readonly nodes: readonly OutlineNode[]
  readonly edges: readonly OutlineEdge[]
}

/** Actions written in place have no name to show. */
const actionNames = (actions: readonly unknown[]): string[] => actions.flatMap(action => actionName(action) ?? [])

const kinds = {
  atomic: 'atomic',
  compound: 'compound',
  parallel: 'parallel',
  final: 'final',
  history: 'history',
} as const

function outlineNode(node: AnyStateNode): OutlineNode {
  const invokes = node.invoke.map(invoke => sourceName(invoke) ?? invoke.id)
  const entry = actionNames(node.entry)
  const exit = actionNames(node.exit)
  const lines = [
    ...invokes.map(name => `runs ${name}`),
    ...entry.map(name => `entry / ${name}`),
    ...exit.map(name => `exit / ${name}`),
  ]
  return {
    id: node.id,
    key: node.key,
    parent: node.parent?.id ?? null,
    kind: kinds[node.type],
    isInitial: node.parent?.type === 'compound' && node.parent.initial.target?.[0] === node,
    invokes,
    entry,
    exit,
    lines,
  }
}

/** An event as a person reads it. */
function eventLabel(event: string, node: Pick<AnyStateNode, 'invoke'>): string {
  const meaning = eventMeaning(event)
  switch (meaning?.kind) {
    case undefined:
      return event
    case 'always':
      return 'always'
    case 'after':
      return `after ${meaning.delay}`
    case 'state done':
      return 'done'
    case 'actor done':
      return `${childName(meaning.actor, node)} is done`
    case 'actor failed':
      return `${childName(meaning.actor, node)} fails`
  }
}

function childName(actor: string, { invoke }: Pick<AnyStateNode, 'invoke'>): string {
  if (actor === '*') return 'a child'
  const invoked = invoke.find(({ id }) => id === actor)
  return (invoked && sourceName(invoked)) ?? actor
}

function outlineEdges(node: AnyStateNode): OutlineEdge[] {
  const edgesOf = (transition: AnyTransitionDefinition, index: number): OutlineEdge[] => {
    const guard = guardName(transition.guard)
    const actions = actionNames(transition.actions)
    const label = eventLabel(transition.eventType, node)
    const id = transitionId(transition, index)
    const targets = transition.target ?? []
    const lines = [label, ...(guard === null ? [] : [`[${guard}]`]), ...actions.map(name => `/ ${name}`)]
    const edge = (target: string | null) => ({
      id: targets.length > 1 ? `${id}|${target}` : id,
      source: node.id,
      target,
      event: transition.eventType,
      label,
      guard,
      actions,
      isReentering: transition.reenter,
      lines,
    })
    return targets.length === 0 ? [edge(null)] : targets.map(target => edge(target.id))
  }
  const always = node.always ?? []
  return [always, ...[...node.transitions].flatMap(([event, list]) => (event === '' ? [] : [list]))].flatMap(list =>
    list.flatMap((transition, index) => edgesOf(transition, index)),
  )
}

const familyOf = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(familyOf)]

export function outlineOf(machine: AnyStateMachine): Outline {
  const family = familyOf(machine.root)
  const nodes = family.map(outlineNode)
  const edges = family.flatMap(outlineEdges)
  const digest = createHash('sha256')
    .update(JSON.stringify([nodes, edges]))
    .digest('hex')
    .slice(0, 32)
  return { id: machine.id, digest, nodes, edges }
}
