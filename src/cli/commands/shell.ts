// shell: every other command at a prompt, under both names, over one connection.

import { type Command, command } from '../command.ts'

export const createShell = (others: readonly Command[]): Command =>
  command({
    name: 'shell',
    summary:
      'Open a prompt for all these commands, with history, Tab completion and notifications. Leave it with exit.',
    example: 'shell',
    ownsInterrupts: true,
    async run(context) {
      const { runShell } = await import('../shell/run-shell.ts')
      return runShell(context, others)
    },
    render: () => '',
  })
