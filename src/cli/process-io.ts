// What the command line takes from its process, handed in so that a test can run it in its own.

export interface ProcessIo {
  readonly env: NodeJS.ProcessEnv
  readonly stdin: AsyncIterable<Buffer> & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}
