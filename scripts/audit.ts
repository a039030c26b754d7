// Asks the registry for known vulnerabilities of the packages in package-lock.json: npm run audit. One in a package that people
// get with Shoal fails; one that only development needs is listed. A registry that offers no audit, cannot be reached or does not
// answer within seconds is said to be that, and does not fail: whether this passes is never up to the network.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAudit } from './audit-report.ts'
import { buildPage } from './build-page.ts'
import { buildProgram } from './build-program.ts'
import { shippedPackages } from './shipped-packages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

// One try: a registry that does not answer is no reason to wait. npm's own limit does not cover all that it does.
const options = ['--json', '--package-lock-only', '--fetch-retries=0', '--fetch-timeout=5000']
const mostMs = 8_000
const npm = spawnSync('npm', ['audit', ...options], {
  cwd: root,
  encoding: 'utf8',
  timeout: mostMs,
  killSignal: 'SIGKILL',
})
const audit = readAudit(npm.stdout ?? '')

if (audit.outcome === 'not-audited') {
  const why = npm.signal === 'SIGKILL' ? `no answer within ${mostMs / 1000} seconds` : audit.why
  console.log(`not audited: ${why}; to ask another registry: npm audit --registry ADDRESS`)
} else if (audit.findings.length === 0) {
  console.log('audited: no known vulnerability')
} else {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const shipped = shippedPackages(lock, await bundledFiles())
  let vulnerable = 0
  for (const { text, paths } of audit.findings) {
    const isShipped = paths.some(path => shipped.has(path))
    if (isShipped) vulnerable += 1
    console.log(`${isShipped ? 'shipped' : 'only development needs it'}: ${text}`)
  }
  console.log(`audited: ${vulnerable} of the ${shipped.size - 1} packages that people get are vulnerable`)
  if (vulnerable > 0) {
    console.log('update them (npm outdated names newer versions, npm audit what fixes each), then release')
    process.exitCode = 1
  }
}

/** What is bundled is shipped as well, and npm does not know it. */
async function bundledFiles(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-audit-'))
  try {
    return [...(await buildProgram(join(folder, 'program'))), ...(await buildPage(join(folder, 'page')))]
  } finally {
    rmSync(folder, { recursive: true })
  }
}
