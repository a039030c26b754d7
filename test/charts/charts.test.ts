import { readFileSync } from 'node:fs'
import test from 'ava'
import { setup } from 'xstate'
import { definitionDigests } from '../../src/charts/definition-digests.ts'
import { layOut } from '../../src/charts/lay-out.ts'
import { machinesPage } from '../../src/charts/machines-page.ts'
import { toSvg } from '../../src/charts/svg.ts'
import { allMachines } from '../../src/machines/all-machines.ts'
import { machineChartSchema } from '../../src/wire/machine-chart.ts'

test('The file docs/machines.md shows the machines as they are; if not, run node scripts/write-machine-diagrams.ts.', t => {
  t.is(readFileSync(new URL('../../docs/machines.md', import.meta.url), 'utf8'), machinesPage())
})

for (const machine of allMachines)
  test(`The machine ${machine.id} is laid out whole: boxes within boxes, and an arrow for each transition with a target.`, async t => {
    const chart = machineChartSchema.parse(await layOut(machine))
    t.is(chart.digest, definitionDigests()[machine.id]!)
    const nodes = new Map(chart.nodes.map(node => [node.id, node]))
    for (const node of chart.nodes) {
      t.true(node.width > 0 && node.height > 0)
      const parent = node.parent === null ? undefined : nodes.get(node.parent)!
      if (!parent) continue
      t.true(node.x >= parent.x && node.x + node.width <= parent.x + parent.width + 0.2, node.id)
      t.true(node.y >= parent.y && node.y + node.height <= parent.y + parent.height + 0.2, node.id)
    }
    t.is(new Set(chart.edges.map(({ id }) => id)).size, chart.edges.length)
    for (const { id, target, points, text } of chart.edges) {
      t.true(target === null ? points.length === 0 : points.length >= 2, id)
      t.truthy(text, id)
    }
  })

test('A name that looks like markup stays text in a drawing.', async t => {
  const machine = setup({}).createMachine({ id: 'm', initial: 'a', states: { a: { on: { '<script>': 'b' } }, b: {} } })
  const svg = toSvg(await layOut(machine))
  t.false(svg.includes('<script>'))
  t.true(svg.includes('&lt;script&gt;'))
})
