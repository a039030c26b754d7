// A process with a channel to its parent that does nothing, and would do so for ever.

process.send?.('ready')
setInterval(() => {}, 1e9)
