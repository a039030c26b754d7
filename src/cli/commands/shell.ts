// shell: every other command at a prompt, in both spellings, over one connection.

import { type Command, command } from '../command.ts'

export const createShell = (others: readonly Command[]): Command =>
  command({
    words: 'shell',
    summary: 'A prompt for all of these commands, with history, completion (Tab) and news. Leave it with exit.',
    example: 'shell',
    ownsInterrupts: true,
    async run(context) {
      const { runShell } = await import('../shell/run-shell.ts')
      return runShell(context, others)
    },
    render: () => '',
  })
