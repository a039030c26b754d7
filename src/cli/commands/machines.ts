// machines: the state machines that run, exported for documents from the very definitions.

import type { Exported } from '../../charts/export-machines.ts'
import { done, refuse } from '../../domain/refusal.ts'
import { command, flag } from '../command.ts'
import type { Result } from '../result.ts'

const options = {
  mermaid: flag('As a Mermaid state diagram.'),
  svg: flag('As a drawing, laid out.'),
  chart: flag('As data: every state, transition and place, as the visualizer draws it. With --json.'),
}

function render(machines: readonly Exported[]): string {
  return machines
    .map(({ machine, states, transitions, mermaid, svg }) => {
      return (svg ?? mermaid)?.join('\n') ?? `${machine}: ${states} states, ${transitions} transitions`
    })
    .join('\n')
}

const machines = command({
  words: 'machines',
  summary: 'The state machines that run here: their names, or one of them or all as diagrams.',
  example: 'machines download --mermaid',
  args: { 'name?': 'one machine; all when left out' },
  options,
  async run(_, { 'name?': name, ...form }): Promise<Result<Exported[]>> {
    const { exportMachines } = await import('../../charts/export-machines.ts')
    const machines = await exportMachines(name, form)
    return machines.length > 0 ? done(machines) : refuse('usage', 'there is no such machine; see shoal machines')
  },
  render,
})

export const machineCommands = [machines]
