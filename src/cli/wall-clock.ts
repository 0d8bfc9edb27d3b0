/** The time of day. No other file of the command reads it: timers use `systemClock`. */

const MS_PER_MINUTE = 60_000;

/** Returns the machine's local time with its offset from UTC: `2025-11-23 08:14:05 +01:00`. */
export function localTimeText(): string {
  // eslint-disable-next-line no-restricted-globals -- daytime (RFC 867) sends the time of day
  const WallClock = Date;
  const now = new WallClock();
  const offsetMinutes = -now.getTimezoneOffset();
  const shifted = new WallClock(now.getTime() + offsetMinutes * MS_PER_MINUTE);
  const [day = '', time = ''] = shifted.toISOString().split('T');
  return `${day} ${time.slice(0, 8)} ${offsetText(offsetMinutes)}`;
}

function offsetText(minutes: number): string {
  const twoDigits = (value: number): string => String(value).padStart(2, '0');
  const distance = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(distance / 60))}:${twoDigits(distance % 60)}`;
}
