// A machine's chart: its states as boxes within boxes, its transitions as edges. Active states are lit, the transition
// that was taken last stands out. Drawn from the definitions that run; where everything stands was laid out beforehand.
// Dragging, the wheel and + - 0 move and scale it.

import { memo } from 'preact/compat'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type ChartEdge, type ChartNode, chartFont, type MachineChart } from '../../../wire/machine-chart.ts'

interface StatechartProps {
  readonly chart: MachineChart
  readonly active: ReadonlySet<string>
  /** Ids of edges taken last. */
  readonly taken: ReadonlySet<string>
  /** The actor's name, for screen readers. */
  readonly label: string
}

const margin = 16
/** Smaller than this its text cannot be read: then it is shown in part, along with what is active. */
const leastScale = 0.8

interface View {
  readonly x: number
  readonly y: number
  /** Of the whole chart fitted into the window. */
  readonly zoom: number
}
const fitted: View = { x: 0, y: 0, zoom: 1 }

/** As much as can be read, around the innermost active states. */
function around(chart: MachineChart, active: ReadonlySet<string>, width: number, height: number): View {
  const fit = Math.min(width / (chart.width + 2 * margin), height / (chart.height + 2 * margin))
  if (fit >= leastScale || width === 0) return fitted
  const zoom = leastScale / fit
  const lit = chart.nodes.filter(({ id, kind }) => active.has(id) && kind !== 'compound' && kind !== 'parallel')
  const first = lit[0] ?? chart.nodes[0]!
  const centre = (at: number, size: number, whole: number) => {
    const seen = (whole + 2 * margin) / zoom
    return Math.min(Math.max(at + size / 2 - seen / 2, 0), Math.max(0, whole + 2 * margin - seen))
  }
  return { x: centre(first.x, first.width, chart.width), y: centre(first.y, first.height, chart.height), zoom }
}

export function Statechart({ chart, active, taken, label }: StatechartProps) {
  const [view, setView] = useState(fitted)
  const svg = useRef<SVGSVGElement>(null)
  const drag = useRef<{ x: number; y: number } | undefined>(undefined)
  const isOwn = useRef(false)
  const lead = [...active].join()
  useEffect(() => {
    isOwn.current = false
  }, [chart])
  useEffect(() => {
    if (!isOwn.current && svg.current) setView(around(chart, active, svg.current.clientWidth, svg.current.clientHeight))
  }, [chart, lead])
  const fitAll = () => {
    isOwn.current = true
    setView(fitted)
  }
  const width = (chart.width + 2 * margin) / view.zoom
  const height = (chart.height + 2 * margin) / view.zoom
  const zoomBy = (factor: number) => {
    isOwn.current = true
    setView(({ x, y, zoom }) => {
      const next = Math.min(8, Math.max(0.5, zoom * factor))
      const grown = 1 / zoom - 1 / next
      return { x: x + (chart.width / 2) * grown, y: y + (chart.height / 2) * grown, zoom: next }
    })
  }
  useEffect(() => {
    const element = svg.current!
    const onWheel = (event: WheelEvent) => {
      event.preventDefault()
      zoomBy(event.deltaY < 0 ? 1.12 : 1 / 1.12)
    }
    // Passive listeners, which a wheel's are by default, cannot keep the page from scrolling.
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => element.removeEventListener('wheel', onWheel)
  }, [chart])
  const onMove = (event: PointerEvent) => {
    const from = drag.current
    if (!from || !svg.current) return
    isOwn.current = true
    const scale = Math.max(width / svg.current.clientWidth, height / svg.current.clientHeight)
    setView(old => ({
      ...old,
      x: old.x - (event.clientX - from.x) * scale,
      y: old.y - (event.clientY - from.y) * scale,
    }))
    drag.current = { x: event.clientX, y: event.clientY }
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === '+' || event.key === '=') zoomBy(1.25)
    else if (event.key === '-') zoomBy(0.8)
    else if (event.key === '0') fitAll()
    else return
    event.preventDefault()
  }
  const lit = chart.nodes.filter(node => active.has(node.id) && node.parent !== null).map(node => node.key)
  return (
    <div class="chart-box">
      <svg
        ref={svg}
        class="statechart"
        viewBox={`${view.x - margin} ${view.y - margin} ${width} ${height}`}
        role="img"
        tabIndex={0}
        aria-label={`${label}: the chart of ${chart.id}. Active: ${lit.join(', ') || 'none'}.`}
        data-machine={chart.id}
        onPointerDown={event => {
          drag.current = { x: event.clientX, y: event.clientY }
          svg.current?.setPointerCapture(event.pointerId)
        }}
        onPointerMove={onMove}
        onPointerUp={() => (drag.current = undefined)}
        onKeyDown={onKeyDown}
      >
        <defs>
          {['arrow', 'arrow-taken'].map(id => (
            <marker key={id} id={id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
              <path d="M0 0.500 8 4 0 7.500Z" class={id} />
            </marker>
          ))}
        </defs>
        {chart.nodes.map(node => (
          <Node key={node.id} node={node} isActive={active.has(node.id)} />
        ))}
        {chart.edges.map(edge => (
          <Edge
            key={edge.id}
            edge={edge}
            isTaken={taken.has(edge.id) || [...taken].some(id => edge.id.startsWith(`${id}|`))}
          />
        ))}
      </svg>
      <div class="chart-tools">
        <button type="button" aria-label="Larger" onClick={() => zoomBy(1.25)}>
          +
        </button>
        <button type="button" aria-label="Smaller" onClick={() => zoomBy(0.8)}>
          −
        </button>
        <button type="button" aria-label="Fit the window" onClick={fitAll}>
          ⤢
        </button>
      </div>
    </div>
  )
}

const Node = memo(({ node, isActive }: { node: ChartNode; isActive: boolean }) => {
  const { x, y, width, height, kind, key, lines, parent, isInitial } = node
  const isLeaf = kind === 'atomic' || kind === 'final' || kind === 'history'
  return (
    <g
      class={`node ${kind}${isActive ? ' active' : ''}${parent === null ? ' root' : ''}`}
      data-node={node.id}
      data-active={isActive}
    >
      <rect x={x} y={y} width={width} height={height} rx={isLeaf ? 8 : 10} />
      {kind === 'final' && <rect class="inner" x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="6" />}
      {isInitial && <circle class="initial" cx={x + 9} cy={y + 14} r="3.5" />}
      <text class="name" x={x + (isInitial ? 18 : 10)} y={y + 18}>
        {key}
      </text>
      {kind === 'parallel' && (
        <text class="note" x={x + width - 10} y={y + 18} text-anchor="end">
          parallel
        </text>
      )}
      {lines.map((line, index) => (
        <text key={line} class="note" x={x + 10} y={y + 18 + (index + 1) * chartFont.lineHeight}>
          {line}
        </text>
      ))}
    </g>
  )
})

const Edge = memo(({ edge, isTaken }: { edge: ChartEdge; isTaken: boolean }) => {
  const { points, text, target } = edge
  return (
    <g class={`edge${isTaken ? ' taken' : ''}`} data-edge={edge.id} data-taken={isTaken}>
      {target !== null && points.length > 1 && (
        <path d={rounded(points)} marker-end={`url(#${isTaken ? 'arrow-taken' : 'arrow'})`} />
      )}
      {text?.lines.map((line, index) => (
        <text key={`${index}${line}`} x={text.x} y={text.y + 12 + index * chartFont.lineHeight}>
          {line}
        </text>
      ))}
    </g>
  )
})

/** Straight lines with their corners taken off. */
function rounded(points: readonly (readonly [number, number])[]): string {
  const [[startX, startY], ...rest] = points as [readonly [number, number], ...(readonly [number, number])[]]
  let path = `M${startX} ${startY}`
  rest.forEach(([x, y], index) => {
    const next = rest[index + 1]
    if (!next) {
      path += `L${x} ${y}`
      return
    }
    const [beforeX, beforeY] = points[index]!
    const inward = Math.min(6, Math.hypot(x - beforeX, y - beforeY) / 2)
    const outward = Math.min(6, Math.hypot(next[0] - x, next[1] - y) / 2)
    const toward = (toX: number, toY: number, by: number) => {
      const length = Math.hypot(toX - x, toY - y) || 1
      return `${x + ((toX - x) / length) * by} ${y + ((toY - y) / length) * by}`
    }
    path += `L${toward(beforeX, beforeY, inward)}Q${x} ${y} ${toward(next[0], next[1], outward)}`
  })
  return path
}
