/** The runtime's microtasks, as they were when this module was loaded: fake timers do not stop them. */
const { queueMicrotask } = globalThis;

export { queueMicrotask };
