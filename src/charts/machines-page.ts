// The text of docs/machines.md, which shows every machine; a test keeps the file equal to it.

import { allMachines } from '../machines/all-machines.ts'
import { toMermaid } from './mermaid.ts'

export const machinesPage = (): string => `# The machines, drawn

Made from the definitions that run, by \`node scripts/write-machine-diagrams.ts\`; what each is for and what always holds is in
[src/machines/README.md](../src/machines/README.md). Transitions that change no state are left out; \`shoal visualizer\` shows
all of it, at work.
${allMachines.map(machine => `\n## ${machine.id}\n\n\`\`\`mermaid\n${toMermaid(machine)}\n\`\`\`\n`).join('')}`
