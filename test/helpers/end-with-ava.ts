// Loaded by ava into every process that runs tests. When ava has been killed such a process would run on, with whatever
// it has started, until its tests have ended.

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
