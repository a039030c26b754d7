// Plots the simulator's results: time over the fluid bound against the number of peers, on a logarithmic scale. Growth no
// faster than the logarithm lies on a straight line or below.

const width = 640
const height = 320
const margin = 48

export function plotOf(points: readonly { readonly peers: number; readonly ratio: number }[]): string {
  const decades = Math.max(1, ...points.map(({ peers }) => Math.log10(peers)))
  const top = Math.max(1.3, ...points.map(({ ratio }) => ratio))
  const x = (peers: number) => margin + (Math.log10(peers) / decades) * (width - 2 * margin)
  const y = (ratio: number) => height - margin - ((ratio - 1) / (top - 1)) * (height - 2 * margin)
  const text = (at: readonly [number, number], words: string, anchor = 'middle') =>
    `<text x="${at[0].toFixed(0)}" y="${at[1].toFixed(0)}" text-anchor="${anchor}">${words}</text>`
  const line = (from: readonly [number, number], to: readonly [number, number], stroke: string) =>
    `<line x1="${from[0].toFixed(1)}" y1="${from[1].toFixed(1)}" x2="${to[0].toFixed(1)}" y2="${to[1].toFixed(1)}" stroke="${stroke}"/>`
  const grid = Array.from({ length: Math.round((top - 1) * 20) + 1 }, (_, step) => 1 + step / 20).map(
    ratio =>
      line([margin, y(ratio)], [width - margin, y(ratio)], '#ddd') +
      text([margin - 6, y(ratio) + 4], ratio.toFixed(2), 'end'),
  )
  const ticks = Array.from({ length: Math.floor(decades) + 1 }, (_, power) => 10 ** power).map(peers =>
    text([x(peers), height - margin + 18], peers.toLocaleString('en')),
  )
  const path = points.map(({ peers, ratio }) => `${x(peers).toFixed(1)},${y(ratio).toFixed(1)}`).join(' ')
  const dots = points.map(
    ({ peers, ratio }) =>
      `<circle cx="${x(peers).toFixed(1)}" cy="${y(ratio).toFixed(1)}" r="4" fill="#06c"/>${text([x(peers), y(ratio) - 10], ratio.toFixed(3))}`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    '<title>Time over the fluid bound against the number of peers</title>',
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...grid,
    ...ticks,
    text([width / 2, height - 8], 'peers, all fetching at once from one seed'),
    text([width / 2, 20], 'time until the last has everything, over the fluid lower bound'),
    `<polyline points="${path}" fill="none" stroke="#06c" stroke-width="2"/>`,
    ...dots,
    '</svg>\n',
  ].join('\n')
}
