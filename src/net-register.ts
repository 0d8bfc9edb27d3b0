/** The door `asynctcp/net/register`, for `node --import asynctcp/net/register app.js`. */
import { kernelStack } from './index.js';
import { install } from './net/hook.js';

install(kernelStack());
