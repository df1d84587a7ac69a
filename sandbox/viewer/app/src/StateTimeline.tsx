/** Grafana's state timeline is not a published component: this draws a similar one with plain SVG. */
import { type DataFrame, dateTimeFormat, FieldType, getFieldDisplayName, type TimeRange } from '@grafana/data';
import { Pagination, useTheme2, VizLegend } from '@grafana/ui';
import { useState } from 'react';
import { LegendDisplayMode } from '@grafana/schema';

interface Band {
  from: number;
  to: number;
  text: string;
  color: string;
}

/** Consecutive points with the same state form one band. A state lasts until the next point, and the last one for one step. */
function bands(times: number[], states: Array<{ text: string; color: string } | null>, end: number): Band[] {
  const step = times.length > 1 ? times[1]! - times[0]! : 60_000;
  const found: Band[] = [];
  states.forEach((state, index) => {
    const [from, to] = [times[index]!, Math.min(times[index + 1] ?? times[index]! + step, end)];
    const last = found.at(-1);
    if (state && last && last.text === state.text && last.to === from) {
      last.to = to;
    } else if (state) {
      found.push({ from, to, ...state });
    }
  });
  return found;
}

const NAMES = 160;
const AXIS = 20;
const LEGEND = 26;
const PAGE = 32;
/** Grafana's default (public/app/plugins/panel/state-timeline/panelcfg.cue, perPage). */
const PER_PAGE = 20;

interface Props {
  frames: DataFrame[];
  width: number;
  height: number;
  range: TimeRange;
}

export function StateTimeline({ frames, width, height, range }: Props) {
  const theme = useTheme2();
  const [page, setPage] = useState(1);
  const [start, end] = [range.from.valueOf(), range.to.valueOf()];
  const plot = width - NAMES;
  const x = (time: number) => NAMES + ((Math.max(time, start) - start) / (end - start)) * plot;
  const series = frames.flatMap((frame) => {
    const times = frame.fields.find((field) => field.type === FieldType.time)?.values ?? [];
    return frame.fields
      .filter((field) => field.type === FieldType.number)
      .map((field) => {
        const states = field.values.map((value: number | null) => {
          const shown = value === null || !field.display ? null : field.display(value);
          return shown && { text: shown.text, color: shown.color ?? theme.colors.text.primary };
        });
        const link = field.getLinks?.({ valueRowIndex: 0 })[0];
        const shown = bands(times, states, end).filter((band) => band.to > start && band.from < end);
        return { name: getFieldDisplayName(field, frame, frames), link, bands: shown };
      });
  });
  const states = new Map(series.flatMap((one) => one.bands.map((band) => [band.text, band.color])));
  const pages = Math.ceil(series.length / PER_PAGE);
  const rows = pages > 1 ? PER_PAGE : Math.max(series.length, 1);
  const row = (height - AXIS - LEGEND - (pages > 1 ? PAGE : 0)) / rows;
  const ticks = [0.05, 0.275, 0.5, 0.725, 0.95].map((share) => start + share * (end - start));
  const format = end - start > 2 * 86_400_000 ? 'MM/DD HH:mm' : 'HH:mm';
  return (
    <div>
      <svg width={width} height={row * rows + AXIS} fontSize={12} fontFamily={theme.typography.fontFamily}>
        {series.slice((page - 1) * PER_PAGE, page * PER_PAGE).map((one, index) => (
          <g key={one.name} data-testid="state-band">
            <a href={one.link?.href}>
              <text x={NAMES - 8} y={row * (index + 0.5) + 4} textAnchor="end" fill={theme.colors.text.primary}>
                {one.name}
              </text>
            </a>
            {one.bands.map((band) => (
              <rect
                key={band.from}
                x={x(band.from)}
                y={row * (index + 0.1)}
                width={Math.max(x(band.to) - x(band.from), 1)}
                height={row * 0.8}
                fill={band.color}
              >
                <title>{`${one.name}: ${band.text}, ${dateTimeFormat(band.from)} to ${dateTimeFormat(band.to)}`}</title>
              </rect>
            ))}
          </g>
        ))}
        {ticks.map((tick) => (
          <text key={tick} x={x(tick)} y={row * rows + 15} textAnchor="middle" fill={theme.colors.text.secondary}>
            {dateTimeFormat(tick, { format })}
          </text>
        ))}
      </svg>
      {pages > 1 && <Pagination currentPage={page} numberOfPages={pages} onNavigate={setPage} />}
      <VizLegend
        displayMode={LegendDisplayMode.List}
        placement="bottom"
        items={[...states].map(([label, color]) => ({ label, color, yAxis: 1 }))}
      />
    </div>
  );
}
