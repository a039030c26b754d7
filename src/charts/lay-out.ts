// Lays out a machine's outline with elkjs: boxes within boxes, edges around them, labels beside them. A layout depends on
// nothing else, so the same definition always gives the same drawing.

import type { ElkExtendedEdge, ElkNode, ELK as Engine } from 'elkjs/lib/elk-api.js'
import type { AnyStateMachine } from 'xstate'
import { type ChartEdge, type ChartNode, chartFont, type MachineChart } from '../wire/machine-chart.ts'
import { type Outline, type OutlineEdge, type OutlineNode, outlineOf } from './outline.ts'

const margin = 10
const keyHeight = 22

const options = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '4',
  'elk.layered.spacing.nodeNodeBetweenLayers': '32',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
}

const widthOf = (lines: readonly string[]) =>
  Math.ceil(Math.max(0, ...lines.map(line => line.length)) * chartFont.letterWidth)

const oneLine = ({ lines }: OutlineEdge) => lines.join(' ')

export async function layOut(machine: AnyStateMachine): Promise<MachineChart> {
  const outline = outlineOf(machine)
  const engine = await loadEngine()
  const laidOut = await engine.layout(toElk(outline))
  return toChart(outline, laidOut)
}

let loading: Promise<Engine> | undefined
const loadEngine = (): Promise<Engine> => {
  loading ??= import('elkjs/lib/elk.bundled.js').then(
    ({ default: elk }) => new (elk.default ?? elk)() as unknown as Engine,
  )
  return loading
}

/** Edges that change no state are lines in their source. */
const withinOf = (outline: Outline, node: OutlineNode) =>
  outline.edges.filter(({ source, target }) => source === node.id && target === null)

function toElk(outline: Outline): ElkNode {
  const elkNode = (node: OutlineNode): ElkNode => {
    const within = withinOf(outline, node)
    const lines = [...node.lines, ...within.map(oneLine)]
    const width = Math.max(70, widthOf([node.key, ...lines]) + 2 * margin)
    const height = keyHeight + lines.length * chartFont.lineHeight + margin
    const children = outline.nodes.filter(({ parent }) => parent === node.id).map(elkNode)
    if (children.length === 0) return { id: node.id, width, height }
    return {
      id: node.id,
      children,
      layoutOptions: {
        ...options,
        'elk.padding': `[top=${height + margin},left=18,bottom=18,right=18]`,
        'elk.nodeSize.constraints': 'MINIMUM_SIZE',
        'elk.nodeSize.minimum': `(${width},${height})`,
      },
    }
  }
  const edges = outline.edges.flatMap(({ id, source, target, lines }): ElkExtendedEdge[] => {
    if (target === null) return []
    const label = { text: lines.join('\n'), width: widthOf(lines) + 6, height: lines.length * chartFont.lineHeight }
    return [{ id, sources: [source], targets: [target], labels: [label] }]
  })
  return {
    id: ' ',
    layoutOptions: { ...options, 'elk.padding': '[top=0,left=0,bottom=0,right=0]' },
    children: [elkNode(outline.nodes[0]!)],
    edges,
  }
}

const round = (value: number | undefined) => Math.round((value ?? 0) * 10) / 10

function toChart(outline: Outline, laidOut: ElkNode): MachineChart {
  const boxes = new Map<string, ElkNode>()
  const gather = (node: ElkNode) => {
    boxes.set(node.id, node)
    for (const child of node.children ?? []) gather(child)
  }
  gather(laidOut)
  const nodes = outline.nodes.map((node): ChartNode => {
    const { x, y, width, height } = boxes.get(node.id)!
    return { ...node, lines: [...node.lines], x: round(x), y: round(y), width: round(width), height: round(height) }
  })
  const placed = new Map((laidOut.edges ?? []).map(edge => [edge.id, edge]))
  const edges = outline.edges.map(({ lines, ...edge }): ChartEdge => {
    const drawn = placed.get(edge.id)
    if (!drawn) return { ...edge, points: [], text: textWithin(outline, nodes, edge.id, edge.source) }
    const [section] = drawn.sections ?? []
    const points = section ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint] : []
    const [label] = drawn.labels ?? []
    return {
      ...edge,
      points: points.map(({ x, y }): [number, number] => [round(x), round(y)]),
      text: label
        ? {
            lines: [...lines],
            x: round(label.x),
            y: round(label.y),
            width: round(label.width),
            height: round(label.height),
          }
        : null,
    }
  })
  const { width, height } = nodes[0]!
  return { id: outline.id, digest: outline.digest, width, height, nodes, edges }
}

function textWithin(outline: Outline, nodes: readonly ChartNode[], id: string, source: string): ChartEdge['text'] {
  const node = nodes.find(each => each.id === source)!
  const within = withinOf(outline, node)
  const at = within.findIndex(edge => edge.id === id)
  const line = oneLine(within[at]!)
  return {
    lines: [line],
    x: node.x + margin,
    y: node.y + keyHeight + (node.lines.length + at) * chartFont.lineHeight,
    width: widthOf([line]),
    height: chartFont.lineHeight,
  }
}
