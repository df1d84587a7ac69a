/** Time ranges, as written in the address and as moments. */
import { dateMath, type RawTimeRange, type TimeRange } from '@grafana/data';

export function timeParameters(raw: RawTimeRange): string {
  const written = (moment: RawTimeRange['from']) => (typeof moment === 'string' ? moment : String(moment.valueOf()));
  return `from=${encodeURIComponent(written(raw.from))}&to=${encodeURIComponent(written(raw.to))}`;
}

/** The time range in the address, or the dashboard's own. */
export function rangeOf(raw: { from: string; to: string }): TimeRange {
  const written = (text: string) => (/^\d+$/.test(text) ? Number(text) : text);
  const moment = (text: string, roundUp: boolean) => {
    const found = dateMath.toDateTime(written(text) as string, { roundUp });
    if (!found?.isValid()) {
      throw new Error(`${text} is not a time.`);
    }
    return found;
  };
  const [from, to] = [moment(raw.from, false), moment(raw.to, true)];
  return { from, to, raw: { from: /^\d+$/.test(raw.from) ? from : raw.from, to: /^\d+$/.test(raw.to) ? to : raw.to } };
}
