/** Grafana's published types of a dashboard, as in its JSON, where enumerations are plain values. */
import type * as dashboard from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
import type * as gauge from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** `T` with every enumeration replaced by its strings or numbers. */
export type Wire<T> = 0 extends 1 & T
  ? any
  : T extends string
    ? `${T}`
    : T extends number
      ? `${T}` extends `${infer N extends number}`
        ? N
        : T
      : T extends ReadonlyArray<infer U>
        ? Array<Wire<U>>
        : T extends object
          ? { [K in keyof T]: Wire<T[K]> }
          : T;

interface Of<Type extends string, Options, Custom> extends Omit<Wire<dashboard.Panel>, 'type' | 'options' | 'fieldConfig'> {
  type: Type;
  /** Grafana has defaults for whatever is missing. */
  options: Partial<Wire<Options>>;
  fieldConfig: Omit<Wire<dashboard.FieldConfigSource>, 'defaults'> & {
    defaults: Omit<Wire<dashboard.FieldConfig>, 'custom'> & { custom?: Partial<Wire<Custom>> };
  };
}

/** A panel of one of the types that the dashboards use, with that type's own options. */
export type Panel =
  | Of<'timeseries', timeSeries.Options, timeSeries.FieldConfig>
  | Of<'stat', stat.Options, Record<string, never>>
  | Of<'gauge', gauge.Options, Record<string, never>>
  | Of<'table', table.Options, table.FieldConfig>
  | Of<'state-timeline', stateTimeline.Options, stateTimeline.FieldConfig>
  | Of<'alertlist', AlertListOptions, Record<string, never>>;

/** Not published: grafana/grafana, public/app/plugins/panel/alertlist/types.ts, UnifiedAlertListOptions. */
interface AlertListOptions {
  maxItems: number;
  sortOrder: 1 | 2 | 3 | 4 | 5;
  dashboardAlerts: boolean;
  groupMode: 'default' | 'custom';
  groupBy: string[];
  alertName: string;
  alertInstanceLabelFilter: string;
  viewMode: 'list' | 'stat';
  stateFilter: Record<'firing' | 'pending' | 'recovering' | 'noData' | 'normal' | 'error', boolean>;
}

export type Dashboard = Omit<Wire<dashboard.Dashboard>, 'panels'> & { panels: Array<Panel | Wire<dashboard.RowPanel>> };
