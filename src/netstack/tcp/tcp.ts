/** Takes the place of TCP until it is there. */
import type { MonotonicClock } from '../../support/clock.js';
import type { Timers } from '../../support/timers.js';
import type { TcpProfile } from '../profile.js';
import type { TcpApi, TcpRefusal } from '../raw-api.js';
import type { IcmpReport, IpPacket, IpService } from './ip-service.js';

export interface TcpOptions {
  readonly profile: TcpProfile;
  readonly ip: IpService;
  readonly clock: MonotonicClock;
  readonly timers: Timers;
  readonly random: () => number;
}

export class Tcp implements TcpApi {
  readonly connections = 0;
  readonly inTimeWait = 0;
  readonly listeners = 0;
  readonly hasReady = false;
  readonly received: string[] = [];
  readonly reports: IcmpReport[] = [];

  readonly options: TcpOptions;

  constructor(options: TcpOptions) {
    this.options = options;
  }

  receive(packet: IpPacket): void {
    this.received.push(`${packet.source().toString()} > ${packet.destination().toString()}`);
  }

  report(report: IcmpReport): void {
    this.reports.push(report);
  }

  connect(): TcpRefusal {
    return 'unreachable';
  }

  listen(): TcpRefusal {
    return 'noMemory';
  }

  takeReady(): undefined {
    return undefined;
  }

  flush(): void {
    this.received.length = 0;
  }
}
