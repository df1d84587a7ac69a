/** One panel: runs its queries, transforms the results, applies the field configuration, and draws. */
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  type DataFrame,
  EventBusSrv,
  getFieldDisplayName,
  LoadingState,
  dateTime,
  rangeUtil,
  type TimeRange,
  transformDataFrame,
} from '@grafana/data';
import { PanelChrome, PanelContextProvider, SeriesVisibilityChangeMode, useTheme2 } from '@grafana/ui';
import { useEffect, useMemo, useState } from 'react';
import { firstValueFrom } from 'rxjs';

import { query } from './api';
import type { PanelModel } from './model';
import { properties } from './registries';
import type { Interpolator } from './variables';
import { DRAWS_NO_VALUE, LINE_DEFAULTS, VISUALIZATIONS, WITHOUT_DATA } from './visualizations';

interface Props {
  panel: PanelModel;
  width: number;
  height: number;
  interpolator: Interpolator;
  onZoom: (from: number, to: number) => void;
}

interface Data {
  frames: DataFrame[];
  range: TimeRange;
  error?: string;
}

/** The time range that a panel shows: the dashboard's, or earlier by its `timeShift`. */
function rangeOfPanel(panel: PanelModel, { range }: Interpolator): TimeRange {
  const before = panel.timeShift ? rangeUtil.intervalToMs(panel.timeShift) : 0;
  const [from, to] = [dateTime(range.from.valueOf() - before), dateTime(range.to.valueOf() - before)];
  return before ? { from, to, raw: { from, to } } : range;
}

async function fetchFrames(panel: PanelModel, width: number, interpolator: Interpolator): Promise<DataFrame[]> {
  const range = rangeOfPanel(panel, interpolator);
  const atLeast = interpolator.replace(panel.interval) || '10s';
  if (!panel.targets?.length) {
    return [];
  }
  const maxDataPoints = panel.maxDataPoints ?? width;
  const { intervalMs } = rangeUtil.calculateInterval(range, maxDataPoints, atLeast);
  const frames = await query({
    queries: panel.targets.map((target) => ({
      datasource: panel.datasource,
      ...interpolator.model(target, panel.datasource?.type),
      intervalMs,
      maxDataPoints,
    })),
    from: String(range.from.valueOf()),
    to: String(range.to.valueOf()),
  });
  return firstValueFrom(transformDataFrame(panel.transformations ?? [], frames, { interpolate: interpolator.replace }));
}

function isEmpty(frames: DataFrame[]): boolean {
  return frames.every((frame) => frame.length === 0);
}

export function Panel({ panel, width, height, interpolator, onZoom }: Props) {
  const theme = useTheme2();
  const [data, setData] = useState<Data>();
  const [loading, setLoading] = useState(true);
  const [only, setOnly] = useState<string | null>(null);

  useEffect(() => {
    let current = true;
    setLoading(true);
    fetchFrames(panel, Math.round(width), interpolator)
      .then((frames) => current && setData({ frames, range: rangeOfPanel(panel, interpolator) }))
      .catch((error: unknown) => current && setData({ frames: [], range: interpolator.range, error: String(error) }))
      .finally(() => current && setLoading(false));
    return () => {
      current = false;
    };
  }, [panel, width, interpolator]);

  const frames = useMemo(() => {
    const { defaults, overrides } = panel.fieldConfig;
    const custom = panel.type === 'timeseries' ? { ...LINE_DEFAULTS, ...defaults.custom } : defaults.custom;
    const applied = applyFieldOverrides({
      data: data?.frames ?? [],
      fieldConfig: { defaults: { ...defaults, custom }, overrides },
      fieldConfigRegistry: properties,
      replaceVariables: interpolator.replace,
      theme,
      timeZone: 'browser',
    });
    cacheFieldDisplayNames(applied);
    if (only !== null) {
      for (const frame of applied) {
        for (const field of frame.fields.slice(1)) {
          const hidden = getFieldDisplayName(field, frame, applied) !== only;
          field.config = { ...field.config, custom: { ...field.config.custom, hideFrom: { viz: hidden, legend: false, tooltip: hidden } } };
        }
      }
    }
    return applied;
  }, [data, only, panel, interpolator, theme]);

  const context = useMemo(
    () => ({
      eventsScope: `panel-${panel.id}`,
      eventBus: new EventBusSrv(),
      onToggleSeriesVisibility: (label: string | string[] | null, mode: SeriesVisibilityChangeMode) => {
        const [name] = [label].flat();
        setOnly((before) => (name === null || name === undefined || before === name || mode !== SeriesVisibilityChangeMode.ToggleSelection ? null : name));
      },
    }),
    [panel.id]
  );

  const draw = VISUALIZATIONS[panel.type];
  const { noValue } = panel.fieldConfig.defaults;
  const drawsNoValue = noValue !== undefined && DRAWS_NO_VALUE.includes(panel.type);
  const empty = data && !data.error && !WITHOUT_DATA.includes(panel.type) && isEmpty(frames) && !drawsNoValue;
  const state = data?.error ? 'error' : !data ? 'loading' : empty ? 'empty' : draw ? 'drawn' : 'error';
  return (
    <section data-panel={interpolator.replace(panel.title)} data-type={panel.type} data-state={state} data-loading={loading}>
      <PanelChrome
        title={interpolator.replace(panel.title)}
        description={panel.description && interpolator.replace(panel.description)}
        width={width}
        height={height}
        loadingState={loading ? LoadingState.Loading : data?.error ? LoadingState.Error : LoadingState.Done}
        statusMessage={data?.error}
      >
        {(innerWidth, innerHeight) => {
          if (data?.error) {
            return <p role="alert">{data.error}</p>;
          }
          if (!data || !draw) {
            return data ? <p role="alert">The local viewer cannot draw panels of type {panel.type}.</p> : null;
          }
          if (empty) {
            return <p>{noValue ?? 'No data'}</p>;
          }
          return (
            <PanelContextProvider value={context}>
              {draw({ panel, frames, width: innerWidth, height: innerHeight, range: data.range, theme, interpolator, onZoom })}
            </PanelContextProvider>
          );
        }}
      </PanelChrome>
    </section>
  );
}
