// machines: the state machines that run here, exported for documents from their definitions.

import type { Exported } from '../../charts/export-machines.ts'
import { done, refuse } from '../../domain/refusal.ts'
import { command, flag } from '../command.ts'
import type { Result } from '../result.ts'

const options = {
  mermaid: flag('As a Mermaid state diagram.'),
  svg: flag('As an SVG drawing.'),
  chart: flag('As data: every state and transition with its position, as the visualizer draws it. Needs --json.'),
}

function render(machines: readonly Exported[]): string {
  return machines
    .map(({ machine, states, transitions, mermaid, svg }) => {
      return (svg ?? mermaid)?.join('\n') ?? `${machine}: ${states} states, ${transitions} transitions`
    })
    .join('\n')
}

const machines = command({
  name: 'machines',
  summary: 'List the state machines that run here, or draw one of them, or all.',
  example: 'machines download --mermaid',
  args: { 'name?': 'one machine (default: all)' },
  options,
  async run(_, { 'name?': name, ...form }): Promise<Result<Exported[]>> {
    const { exportMachines } = await import('../../charts/export-machines.ts')
    const machines = await exportMachines(name, form)
    return machines.length > 0 ? done(machines) : refuse('usage', 'there is no such machine; shoal machines lists them')
  },
  render,
})

export const machineCommands = [machines]
