/** Each panel type of the dashboards, drawn with the component that Grafana publishes for it. */
import {
  type DataFrame,
  FieldType,
  type FieldDisplay,
  getFieldDisplayValues,
  renderTextPanelMarkdown,
  textUtil,
  type GrafanaTheme2,
  type TimeRange,
} from '@grafana/data';
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  SortOrder,
  TooltipDisplayMode,
  VizOrientation,
} from '@grafana/schema';
import {
  BarGauge,
  BigValue,
  getFieldDisplayItems,
  getFieldDisplayLinks,
  TimeSeries,
  TooltipPlugin2,
  VizTooltipContent,
  VizTooltipFooter,
  VizTooltipHeader,
  VizTooltipWrapper,
} from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

import { AlertList } from './AlertList';
import type { PanelModel } from './model';
import { StateTimeline } from './StateTimeline';
import type { Interpolator } from './variables';

export interface VisualizationProps {
  panel: PanelModel;
  frames: DataFrame[];
  width: number;
  height: number;
  range: TimeRange;
  theme: GrafanaTheme2;
  interpolator: Interpolator;
  onZoom: (from: number, to: number) => void;
}

/** Grafana's own defaults for options that the dashboards do not set. */
export const LINE_DEFAULTS = {
  drawStyle: 'line',
  lineInterpolation: 'linear',
  lineWidth: 1,
  pointSize: 5,
  showPoints: 'auto',
  axisPlacement: 'auto',
  axisColorMode: 'text',
  scaleDistribution: { type: 'linear' },
  hideFrom: { tooltip: false, viz: false, legend: false },
};

function lines({ panel, frames, width, height, range, onZoom }: VisualizationProps) {
  const { legend, tooltip } = panel.options;
  const sort: SortOrder = tooltip?.sort ?? SortOrder.None;
  const mode: TooltipDisplayMode = tooltip?.mode ?? TooltipDisplayMode.Single;
  return (
    <TimeSeries frames={frames} width={width} height={height} timeRange={range} timeZone="browser" legend={legend}>
      {(config, aligned) => (
        <TooltipPlugin2
          config={config}
          hoverMode={mode === TooltipDisplayMode.Single ? 2 : 1}
          queryZoom={({ from, to }) => onZoom(from, to)}
          clientZoom={false}
          render={(_plot, indexes, series, pinned) => {
            const time = aligned.fields[0]!;
            const items = getFieldDisplayItems(aligned.fields, time, indexes, series, mode, sort, (field) => field.type === FieldType.number);
            const [row, field] = series === null ? [null, undefined] : [indexes[series], aligned.fields[series]];
            const links = pinned && field && row !== null && row !== undefined ? getFieldDisplayLinks(field, row) : [];
            const moment = time.display?.(time.values[indexes[0] ?? 0]).text ?? '';
            return (
              <VizTooltipWrapper>
                <VizTooltipHeader item={{ label: '', value: moment }} isPinned={pinned} />
                <VizTooltipContent items={items} isPinned={pinned} />
                {links.length > 0 && <VizTooltipFooter dataLinks={links} />}
              </VizTooltipWrapper>
            );
          }}
        />
      )}
    </TimeSeries>
  );
}

function reduced({ panel, frames, theme, interpolator }: VisualizationProps): FieldDisplay[] {
  return getFieldDisplayValues({
    data: frames,
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options['reduceOptions'] ?? { calcs: ['lastNotNull'] },
    replaceVariables: interpolator.replace,
    theme,
    timeZone: 'browser',
  });
}

function number(props: VisualizationProps) {
  const shown = reduced(props);
  const textMode = props.panel.options['textMode'];
  const named = ['name', 'value_and_name'].includes(textMode);
  // As many columns as make tiles three times as wide as high, as Grafana's repeater does about.
  const columns = Math.max(1, Math.min(shown.length, Math.ceil(Math.sqrt((shown.length * props.width) / props.height / 3))));
  const width = props.width / columns;
  const height = props.height / Math.ceil(Math.max(shown.length, 1) / columns);
  return (
    <div style={{ display: 'flex', flexWrap: 'wrap' }}>
      {shown.map((one, index) => (
        <BigValue
          key={index}
          width={width}
          height={height}
          theme={props.theme}
          textMode={textMode}
          text={props.panel.options['text']}
          value={{ ...one.display, title: named || shown.length > 1 ? one.display.title : undefined }}
          colorMode={props.panel.options['colorMode'] ?? BigValueColorMode.Value}
          graphMode={BigValueGraphMode.None}
          justifyMode={BigValueJustifyMode.Auto}
        />
      ))}
    </div>
  );
}

/** Grafana's dial is not among its published components; its bar gauge has the same scale and colours. */
function dial(props: VisualizationProps) {
  return reduced(props).map((one, index) => (
    <BarGauge
      key={index}
      width={props.width}
      height={props.height}
      theme={props.theme}
      field={one.field}
      value={{ ...one.display, title: undefined }}
      display={one.view?.getFieldDisplayProcessor(one.colIndex!)}
      orientation={VizOrientation.Horizontal}
      displayMode={BarGaugeDisplayMode.Basic}
      text={{ valueSize: 30 }}
    />
  ));
}

function table({ panel, frames, width, height, range }: VisualizationProps) {
  const [frame] = frames;
  if (!frame) {
    return <p>{panel.fieldConfig.defaults.noValue}</p>;
  }
  return (
    <TableNG
      data={frame}
      width={width}
      height={height}
      sortBy={panel.options['sortBy']}
      cellHeight={panel.options['cellHeight']}
      timeRange={range}
      fieldConfig={panel.fieldConfig}
      structureRev={1}
    />
  );
}

function states({ frames, width, height, range }: VisualizationProps) {
  return <StateTimeline frames={frames} width={width} height={height} range={range} />;
}

/** Markdown or HTML, sanitized as in Grafana. */
function text({ panel, interpolator }: VisualizationProps) {
  const content = interpolator.replace(panel.options['content']);
  const html = panel.options['mode'] === 'html' ? textUtil.sanitizeTextPanelContent(content) : renderTextPanelMarkdown(content);
  return <div dangerouslySetInnerHTML={{ __html: html }} />;
}

function alerts({ panel, interpolator }: VisualizationProps) {
  return <AlertList matcher={interpolator.replace(panel.options['alertInstanceLabelFilter'])} />;
}

/** The types that do not show results of queries. */
export const WITHOUT_DATA = ['text', 'alertlist'];

/** The types whose component shows `noValue` itself; for others, Grafana shows it instead of the panel (PanelDataErrorView). */
export const DRAWS_NO_VALUE = ['stat', 'gauge', 'bargauge', 'table'];

export const VISUALIZATIONS: Record<string, (props: VisualizationProps) => React.ReactNode> = {
  timeseries: lines,
  stat: number,
  gauge: dial,
  bargauge: dial,
  table,
  'state-timeline': states,
  text,
  alertlist: alerts,
};
