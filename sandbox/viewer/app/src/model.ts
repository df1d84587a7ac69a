/** The parts of a dashboard's JSON that the viewer reads. */
import type { DataTransformerConfig, FieldConfigSource } from '@grafana/data';

export interface Target extends Record<string, unknown> {
  refId: string;
}

export interface PanelModel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  interval?: string;
  timeShift?: string;
  maxDataPoints?: number | null;
  datasource?: { type: string; uid: string };
  targets?: Target[];
  panels?: PanelModel[];
  collapsed?: boolean;
  fieldConfig: FieldConfigSource;
  transformations?: DataTransformerConfig[];
  // Options differ by panel type; each renderer reads its own.
  options: Record<string, any>;
}

export interface VariableModel {
  type: 'query' | 'datasource' | 'custom' | 'interval' | 'textbox' | 'constant';
  name: string;
  label?: string;
  description?: string;
  hide?: number;
  skipUrlSync?: boolean;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  sort?: number;
  query?: string | Record<string, unknown>;
  datasource?: { type: string; uid: string };
  current: { text: string | string[]; value: string | string[] };
  options?: Array<{ text: string; value: string }>;
}

export interface DashboardModel {
  uid: string;
  title: string;
  description?: string;
  refresh?: string;
  time: { from: string; to: string };
  timezone?: string;
  links: Array<{ title: string; url: string; includeVars: boolean; keepTime: boolean; tooltip?: string }>;
  templating: { list: VariableModel[] };
  panels: PanelModel[];
}
