// A laid-out chart as an SVG file, to be seen without the visualizer. Every text is escaped.

import { type ChartEdge, type ChartNode, chartFont, type MachineChart } from '../wire/machine-chart.ts'

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const style = `
  svg { background: #fff; font: ${chartFont.sizePx}px ui-monospace, Menlo, Consolas, monospace; fill: #1b1f24 }
  rect { fill: #f6f8fa; stroke: #6e7781 } rect.final { stroke-width: 3 } .key { font-weight: bold }
  path { fill: none; stroke: #57606a } .label rect { fill: #fff; stroke: none } .initial { fill: #1b1f24 }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; fill: #e6edf3 } rect { fill: #161b22; stroke: #8b949e }
    path { stroke: #9ea7b3 } .label rect { fill: #0d1117 } .initial { fill: #e6edf3 }
  }`

const line = (text: string, x: number, y: number, of = '') =>
  `<text x="${x}" y="${y + chartFont.sizePx}"${of}>${escaped(text)}</text>`

function drawNode({ id, key, kind, isInitial, lines, x, y, width, height }: ChartNode): string {
  const texts = lines.map((text, at) => line(text, x + 10, y + 22 + at * chartFont.lineHeight))
  const dot = isInitial ? `<circle class="initial" cx="${x + width - 10}" cy="${y + 11}" r="4"/>` : ''
  const box = `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`
  return `<g><title>${escaped(id)}</title>${box}${line(key, x + 10, y + 4, ' class="key"')}${dot}${texts.join('')}</g>`
}

function drawEdge({ id, target, points, text }: ChartEdge): string {
  const path = points.map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${x} ${y}`).join('')
  const arrow = target === null ? '' : `<path d="${path}" marker-end="url(#arrow)"/>`
  if (!text) return arrow
  const box = `<rect x="${text.x}" y="${text.y}" width="${text.width}" height="${text.height}"/>`
  const lines = text.lines.map((each, at) => line(each, text.x + 3, text.y + at * chartFont.lineHeight))
  const label = target === null ? lines.join('') : `<g class="label">${box}${lines.join('')}</g>`
  return `<g><title>${escaped(id)}</title>${arrow}${label}</g>`
}

export function toSvg({ id, width, height, nodes, edges }: MachineChart): string {
  const marker =
    '<marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8"/></marker>'
  const drawn = [...nodes.map(drawNode), ...edges.map(drawEdge)].join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -10 ${width + 20} ${height + 20}" role="img" aria-label="The machine ${escaped(id)}">
<style>${style}</style><defs>${marker}</defs>
${drawn}
</svg>
`
}
