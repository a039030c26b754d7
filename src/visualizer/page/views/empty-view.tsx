// Stands in for a view that has nothing to show, with commands that would change that.

import { config, sourceStatus } from '../data/page-state.ts'

export function EmptyView({ about }: { readonly about: string }) {
  const hints = config.value?.hints ?? []
  return (
    <div class="nothing">
      <h2>
        {sourceStatus.value.kind === 'live' || sourceStatus.value.kind === 'recording'
          ? about
          : sourceStatus.value.text}
      </h2>
      {hints.length > 0 && <p class="soft">For example, in a terminal:</p>}
      <dl>
        {hints.map(hint => (
          <div key={hint.command}>
            <dt class="soft">{hint.about}</dt>
            <dd>
              <code class="mono">{hint.command}</code>
              <button type="button" class="quiet" onClick={() => void navigator.clipboard.writeText(hint.command)}>
                Copy
              </button>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
