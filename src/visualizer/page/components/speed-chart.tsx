// Each peer's download rate over the last minutes, stacked, so that the upper edge is the total.

import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { formatRate } from '../../../domain/quantities.ts'
import type { DownloadView } from '../data/model.ts'
import { formatTime } from '../format.ts'
import { colour, themeVersion } from '../style/theme.ts'
import { peerColour } from './piece-map.tsx'

const height = 150

/** Between the times under it: less would name one second twice. */
const wholeSeconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600]

/** Times in seconds, then for each peer the sum up to it, the last first: what uPlot stacks. */
function stacked({ speeds, report }: Pick<DownloadView, 'speeds' | 'report'>): number[][] {
  const sums = speeds.map(({ rates }) => {
    let sum = 0
    return report.peers.map((_, index) => (sum += rates[index] ?? 0))
  })
  const series = report.peers.map((_, index) => sums.map(each => each[index]!)).reverse()
  return [speeds.map(({ at }) => at / 1000), ...series]
}

export function SpeedChart({ download }: { readonly download: DownloadView }) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | undefined>(undefined)
  const peers = download.report.peers.length

  useEffect(() => {
    const element = box.current!
    const axis = { stroke: colour('--ink-faint'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
    const font = '11px Inter, sans-serif'
    const series = Array.from({ length: peers }, (_, index) => {
      const own = colour(peerColour(peers - 1 - index))
      return { stroke: own, width: 1, fill: own, points: { show: false } }
    })
    const made = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(1000, most * 1.1)] } },
        axes: [
          {
            ...axis,
            font,
            size: 24,
            space: 90,
            incrs: wholeSeconds,
            values: (_, ticks) => ticks.map(tick => formatTime(tick * 1000)),
          },
          // Powers of two, as the units are.
          {
            ...axis,
            font,
            size: 70,
            incrs: Array.from({ length: 40 }, (_, power) => 2 ** power),
            values: (_, ticks) => ticks.map(tick => formatRate(tick)),
          },
        ],
        series: [{}, ...series],
      },
      stacked(download) as uPlot.AlignedData,
      element,
    )
    chart.current = made
    const watch = new ResizeObserver(([entry]) =>
      made.setSize({ width: Math.max(200, Math.floor(entry!.contentRect.width)), height }),
    )
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
    }
  }, [download.key, peers, themeVersion.value])
  useEffect(() => chart.current?.setData(stacked(download) as uPlot.AlignedData), [download])
  const now = formatRate(download.report.bytesPerSecond)
  return <div ref={box} class="speed-chart" role="img" aria-label={`Speed over time by peer; ${now} now.`} />
}
