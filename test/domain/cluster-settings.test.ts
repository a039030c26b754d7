import test from 'ava'
import { type ClusterEvent, clusterSettings } from '../../src/domain/cluster-settings.ts'
import { specify, stateOf } from '../helpers/decider-specification.ts'

const closed: ClusterEvent = { type: 'sign-up.set', signUp: 'closed' }
const open: ClusterEvent = { type: 'sign-up.set', signUp: 'open' }

test('Sign-up is open until the operator closes it, and can be opened again.', t => {
  const given = specify(clusterSettings, t)
  t.is(stateOf(clusterSettings, []).signUp, 'open')
  given().when({ type: 'set-sign-up', signUp: 'closed' }).gives(closed)
  given(closed).when({ type: 'set-sign-up', signUp: 'open' }).gives(open)
  t.is(stateOf(clusterSettings, [closed, open]).signUp, 'open')
})

test('Setting what is set already records nothing.', t => {
  const given = specify(clusterSettings, t)
  given().when({ type: 'set-sign-up', signUp: 'open' }).gives()
  given(closed).when({ type: 'set-sign-up', signUp: 'closed' }).gives()
})
