/** The contract suite's targets for the stack on the kernel's TCP. */
import { kernelStack, nodeStack } from 'asynctcp';
import { systemTarget } from './system-target.js';

/** Cases that depend on neither the peer's stack nor the addresses' family. */
const OWN_APART = {
  W: 'the clauses of the task run where client and server are on one stack, on IPv4',
  'L6.errors': 'as W: the races are of a connection with itself',
};

const ONE_LOOPBACK = 'several addresses of one name are wanted, and IPv6 has one loopback address';

export const kernel = systemTarget('kernel × kernel', kernelStack, kernelStack);

export const kernelOnIpv6 = systemTarget('kernel × kernel on IPv6', kernelStack, kernelStack, {
  address: '::1',
  apart: { ...OWN_APART, 'L4.give-up': ONE_LOOPBACK, T5: ONE_LOOPBACK },
});

export const kernelWithNode = systemTarget('kernel × node', kernelStack, nodeStack, {
  unmet: { 'M4.kernel': 'it asks the server’s stack, and here that is node' },
  apart: OWN_APART,
});

export const nodeWithKernel = systemTarget('node × kernel', nodeStack, kernelStack, {
  unmet: {
    'D1.urgent': 'it asks the client’s stack, and here that is node',
    'D7.peer': 'it asks the client’s stack, and here that is node',
  },
  apart: OWN_APART,
});
