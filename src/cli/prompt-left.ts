// Ctrl-C, or the end of the input, at a question.

export class PromptLeft extends Error {
  // As @inquirer/password names it: the runner of commands treats both as an interruption.
  override readonly name = 'ExitPromptError'
}
