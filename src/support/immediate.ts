/**
 * The runtime's immediates, as they were when this module was loaded: a test's fake timers, installed later,
 * stop the test's own code and no socket.
 */
const { setImmediate, clearImmediate } = globalThis;

export { setImmediate, clearImmediate };
