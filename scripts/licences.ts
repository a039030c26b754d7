// The licence texts of what is bundled, which must come with it.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolders } from './shipped-packages.ts'

/** Licences, and the notices that go with some of them. */
const isLicence = (file: string) => /^(licen[cs]e|copying|notice)/i.test(file)

/** `files` are relative to `root`. Throws where a package has no licence text. */
export function licencesOf(root: string, files: readonly string[]): string {
  return packageFolders(files)
    .map(folder => {
      const { name, version } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
      const texts = readdirSync(join(root, folder)).filter(isLicence).sort()
      if (texts.length === 0) throw new Error(`${name} ${version} is bundled, and has no licence text`)
      return [`${name} ${version}`, ...texts.map(text => readFileSync(join(root, folder, text), 'utf8').trimEnd())]
    })
    .map(parts => `${parts.join('\n\n')}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`)
}
